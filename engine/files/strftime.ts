import { BadInputError } from '../../contracts/errors';

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

const twoDigits = (value: number): string => String(value).padStart(2, '0');

/** The directives that chat templates use, in English whatever the machine speaks. The time of day is midnight. */
const DIRECTIVES: Readonly<Record<string, (date: Date) => string>> = {
  '%Y': (date) => String(date.getUTCFullYear()).padStart(4, '0'),
  '%y': (date) => twoDigits(date.getUTCFullYear() % 100),
  '%m': (date) => twoDigits(date.getUTCMonth() + 1),
  '%B': (date) => MONTHS[date.getUTCMonth()] ?? '',
  '%b': (date) => (MONTHS[date.getUTCMonth()] ?? '').slice(0, 3),
  '%d': (date) => twoDigits(date.getUTCDate()),
  '%-d': (date) => String(date.getUTCDate()),
  '%e': (date) => String(date.getUTCDate()).padStart(2, ' '),
  '%A': (date) => DAYS[date.getUTCDay()] ?? '',
  '%a': (date) => (DAYS[date.getUTCDay()] ?? '').slice(0, 3),
  '%H': () => '00',
  '%M': () => '00',
  '%S': () => '00',
  '%%': () => '%',
};

/**
 * A day as Python's `strftime` writes it.
 *
 * @throws BadInputError for a directive that is not known here, since leaving it in would change a prompt unsaid
 */
export function strftime(day: Date, format: string): string {
  return format.replace(/%-?./gs, (directive) => {
    const write = DIRECTIVES[directive];
    if (write !== undefined) return write(day);
    throw new BadInputError({ where: `date format ${JSON.stringify(format)}`, expected: `the directives ${Object.keys(DIRECTIVES).join(' ')}`, got: directive });
  });
}
