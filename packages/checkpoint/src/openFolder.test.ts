import { expect, test } from 'vitest';
import { openFolder, readJsonFile } from './openFolder.ts';

test('a file too long for JSON is refused before it is read', async () => {
  const huge = { name: 'config.json', size: 2 ** 40, read: () => expect.unreachable('the file was read') };
  await expect(readJsonFile(openFolder({ 'config.json': huge }), 'config.json')).rejects.toMatchObject({
    code: 'checkpoint/json-size',
    message:
      'config.json: the file has 1099511627776 bytes, and 100000000 is the most that is read as JSON; it is another file or damaged, fetch or write it again.',
  });
});
