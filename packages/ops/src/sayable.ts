const longest = 20_000;
const longestEnd = 2_000;

// What would be invisible, steer a terminal or turn the direction of writing: controls but for the newline, format
// characters, the other line ends, and halves of characters.
const unsayable = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/gu;

/**
 * A message with what it quotes from files made harmless: control characters are escaped, and one over 20,000
 * characters loses its middle.
 */
export function sayable(message: string): string {
  const escaped = cut(message, longest).replace(unsayable, (character) => {
    return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
  });
  // Escapes are longer than what they stand for; what the first cut says is not cut again.
  return cut(escaped, longest + 50);
}

function cut(message: string, most: number): string {
  if (message.length <= most) return message;
  const said = `\n... ${message.length - longest} characters left out ...\n`;
  return message.slice(0, longest - longestEnd) + said + message.slice(-longestEnd);
}
