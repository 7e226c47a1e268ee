// Chromium driven by the DevTools protocol over pipes: nothing to install, no port to guess.
import { spawn } from 'node:child_process';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const places = [
  ...(process.env.PATH ?? '').split(delimiter).flatMap((folder) => names.map((name) => join(folder, name))),
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
];

const isProgram = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

export function chromiumPath() {
  const given = process.env.CHROME_PATH;
  const path = given === undefined ? places.find(isProgram) : isProgram(given) && given;
  if (path) return path;
  throw new Error(
    given === undefined
      ? 'this check needs a Chromium or Chrome and finds none; install one, or name it in CHROME_PATH.'
      : `CHROME_PATH is ${given}, which is no program that can be run.`,
  );
}

/** Starts a headless browser: `{ version, open(url, options), close() }`. */
export async function startChromium(flags = []) {
  const profile = mkdtempSync(join(tmpdir(), 'peft-chromium-'));
  const isRoot = process.getuid?.() === 0;
  const usual = ['--headless=new', '--disable-dev-shm-usage', '--no-first-run', '--remote-debugging-pipe'];
  const args = [...usual, ...(isRoot ? ['--no-sandbox'] : []), `--user-data-dir=${profile}`, ...flags, 'about:blank'];
  const browser = spawn(chromiumPath(), args, { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const [, , , commands, messages] = browser.stdio;
  const waiting = new Map();
  const listeners = new Set();
  const gone = new Promise((resolve) => browser.once('exit', resolve));
  void gone.then((code) => {
    for (const { reject } of waiting.values()) reject(new Error(`Chromium ended with status ${code}`));
    for (const listen of listeners) listen({ method: 'Browser.gone', params: { code } });
  });
  commands.on('error', () => {});
  let rest = '';
  messages.setEncoding('utf8').on('data', (chunk) => {
    const parts = (rest + chunk).split('\0');
    rest = parts.pop();
    for (const message of parts.map((part) => JSON.parse(part))) {
      const { id, result, error } = message;
      if (id === undefined) for (const listen of listeners) listen(message);
      else if (error) waiting.get(id)?.reject(new Error(error.message));
      else waiting.get(id)?.resolve(result);
      waiting.delete(id);
    }
  });
  let count = 0;
  const send = (method, params = {}, sessionId = undefined) =>
    new Promise((resolve, reject) => {
      waiting.set(++count, { resolve, reject });
      commands.write(`${JSON.stringify({ id: count, method, params, sessionId })}\0`);
    });

  return {
    version: (await send('Browser.getVersion')).product,
    /** Loads a page and hands its reports to `onReport` until one is `{ kind: 'end' }`. */
    async open(url, { onReport, seconds, screenshot = false }) {
      const { targetId } = await send('Target.createTarget', { url: 'about:blank' });
      const { sessionId } = await send('Target.attachToTarget', { targetId, flatten: true });
      const page = (method, params) => send(method, params, sessionId);
      const console = [];
      const ended = new Promise((resolve, reject) => {
        const fail = (text) => reject(new Error([text, ...console].join('\n')));
        const timer = setTimeout(() => fail(`${url} was not done after ${seconds} s`), seconds * 1000);
        const listen = ({ method, params, sessionId: from }) => {
          if (method === 'Browser.gone') fail(`Chromium ended with status ${params.code}`);
          if (from !== sessionId) return;
          if (method === 'Inspector.targetCrashed') fail(`${url} crashed`);
          if (method === 'Runtime.consoleAPICalled') console.push(`  ${consoleText(params)}`);
          if (method === 'Runtime.exceptionThrown') fail(exceptionText(params.exceptionDetails));
          if (method !== 'Runtime.bindingCalled') return;
          const report = JSON.parse(params.payload);
          if (report.kind === 'end') resolve();
          else onReport(report);
        };
        listeners.add(listen);
        const stop = () => {
          clearTimeout(timer);
          listeners.delete(listen);
        };
        void Promise.resolve().then(() => ended.then(stop, stop));
      });
      await page('Runtime.enable');
      await page('Page.enable');
      await page('Runtime.addBinding', { name: 'peftReport' });
      await page('Page.navigate', { url });
      await ended;
      const picture = screenshot
        ? Buffer.from((await page('Page.captureScreenshot', { captureBeyondViewport: true })).data, 'base64')
        : undefined;
      await send('Target.closeTarget', { targetId });
      return picture;
    },
    async close() {
      await send('Browser.close').catch(() => {});
      await gone;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

const consoleText = ({ type, args }) =>
  `${type}: ${args.map(({ value, description }) => value ?? description).join(' ')}`;

const exceptionText = ({ text, exception }) => `${text} ${exception?.description ?? exception?.value ?? ''}`;
