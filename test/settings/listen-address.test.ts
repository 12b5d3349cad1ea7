import { BadInputError } from '../../campaign/errors';
import { addressText, readListenAddress } from '../../settings/listen-address';

test.each([
  ['9464', '127.0.0.1:9464'],
  ['127.0.0.1:9464', '127.0.0.1:9464'],
  ['0.0.0.0:0', '0.0.0.0:0'],
  ['[::1]:9464', '[::1]:9464'],
])('%s is an address', (text, expected) => {
  expect(addressText(readListenAddress({ SEAL_X: text }, 'SEAL_X')!)).toBe(expected);
});

test.each([undefined, ''])('%j: nothing listens', (text) => {
  expect(readListenAddress({ SEAL_X: text }, 'SEAL_X')).toBeNull();
});

test.each(['localhost:9464', '127.0.0.1:70000', '127.0.0.1', ':9464', '[::1:9464', 'a:b:c', '-1', '1.2.3.4:'])('%s is refused in one line that names the variable', (text) => {
  const read = (): unknown => readListenAddress({ SEAL_X: text }, 'SEAL_X');
  expect(read).toThrow(BadInputError);
  expect(read).toThrow(/^SEAL_X: expected a port, or an IP address and a port/);
});
