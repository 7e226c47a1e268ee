const style =
  'text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.planted{fill:#b8d4ea}.found{fill:#c2410c;fill-opacity:.8}.mark{fill:#1d4e89}.whisker{stroke:#1d4e89}';

/** An SVG document of these elements on white. */
export function picture(
  size: { readonly width: number; readonly height: number },
  elements: readonly string[],
): string {
  const { width, height } = size;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">`,
    `<style>${style}</style>`,
    `<rect width="${width}" height="${height}" fill="#fff"/>`,
    ...elements,
    '</svg>',
    '',
  ].join('\n');
}
