import { BadInputError } from '../../campaign/errors';

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

/**
 * The midnight (UTC) that a day begins with.
 *
 * @param where the field or flag, for the message
 * @throws BadInputError if it is no day of the calendar
 */
export function parseDay(where: string, date: string): Date {
  const day = /^\d{4}-\d{2}-\d{2}$/.test(date) ? new Date(`${date}T00:00:00Z`) : undefined;
  // A day like 2024-02-30 is rolled over or is no date at all.
  if (day !== undefined && !Number.isNaN(day.getTime()) && day.toISOString().startsWith(date)) return day;
  throw new BadInputError({ where, expected: 'a day as YYYY-MM-DD', got: JSON.stringify(date) });
}
