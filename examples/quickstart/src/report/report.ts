import type { Digit } from '../digits.ts';
import { remarks } from '../remarks.ts';
import type { MethodResult } from '../results.ts';
import { digitPicture } from './digitPicture.ts';
import { heatMap } from './heatMap.ts';
import { lineChart, type Series } from './lineChart.ts';
import { markup } from './markup.ts';
import { style } from './style.ts';

/** A test digit the base gets wrong, and what every method makes of it. */
export type Picture = {
  readonly digit: Digit;
  readonly base: number;
  readonly predictions: Readonly<Record<string, number>>;
};

export type ReportCall = {
  readonly results: readonly MethodResult[];
  readonly baseAccuracy: number;
  readonly steps: number;
  readonly pictures: readonly Picture[];
};

const colours = ['#4269d0', '#efb118', '#ff725c', '#6cc5b0', '#3ca951', '#a463f2', '#9c6b4e'];

/** The whole report as one HTML page that needs nothing beside it. */
export function report({ results, baseAccuracy, steps, pictures }: ReportCall): string {
  const seeds = results[0]?.runs.length ?? 0;
  const curves = (pick: 'losses' | 'accuracies'): readonly Series[] =>
    results.map(({ name, runs }, index) => ({
      name,
      colour: colourOf(index),
      points: pick === 'losses' ? smoothed(runs[0]?.losses ?? []) : (runs[0]?.accuracies ?? []),
    }));
  const maps = results
    .filter(({ runs }) => hasChangingRanks(runs[0]?.ranks ?? []))
    .map(({ name, runs }) => heatMap(runs[0]?.ranks ?? [], `${name}: live ranks by target and step`));
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Adapting a vision transformer to new digits</title><style>${style}</style></head><body>
<h1>Adapting a vision transformer to digits it has never seen</h1>
<p>The base was pretrained on the digits 0 to 4. Each method adapts it to 5 to 9 in ${steps} steps of batch 16. Without
adaptation it gets ${percent(baseAccuracy)} of the new test digits right. Accuracy is on test images that played no part
in training or in choosing learning rates${seeds > 1 ? `; mean and standard deviation over ${seeds} seeds` : '; one seed'}.</p>
${table(results)}
<p class="note">${note(seeds)} <code>restart-only</code> is a control: it restarts like the chain but merges nothing.
LoRA of rank 5 has the summed rank of the chain in one adapter, at five times its memory while training.
${markup(remarks(results).join(' '))}</p>
<p class="legend">${results.map(({ name }, index) => `<span><i style="background:${colourOf(index)}"></i>${markup(name)}</span>`).join('')}</p>
<div class="charts">${lineChart(curves('losses'), { title: 'training loss (running mean of 10 steps)', format: (value) => value.toFixed(1), from: 0 })}
${lineChart(curves('accuracies'), { title: 'test accuracy', format: percent, from: 0, to: 1 })}</div>
<h2>Where the ranks went</h2>
${maps.length > 0 ? maps.join('') : '<p>No method that ran changes its ranks.</p>'}
<h2>Digits the base gets wrong</h2>
<p>The answer of each method's first seed; right ones are marked.</p>
${gallery(pictures, results)}
<p class="note">Digits: UCI Optical Recognition of Handwritten Digits (Alpaydin and Kaynak 1998), CC BY 4.0.</p>
</body></html>
`;
}

function table(results: readonly MethodResult[]): string {
  const rows = results.map(
    (result) => `<tr><th>${markup(result.name)}</th><td>${markup(result.about)}</td>
<td>${percent(result.accuracyMean)}${result.runs.length > 1 ? ` ± ${(100 * result.accuracySd).toFixed(1)}` : ''}</td>
<td>${result.trainableParameters.toLocaleString('en')}</td><td>${(result.adapterBytes / 1024).toFixed(1)} kB</td>
<td>${result.seconds.toFixed(1)} s</td></tr>`,
  );
  return `<table><thead><tr><th>method</th><th></th><th>accuracy</th><th>trained at once</th><th>adapter file</th><th>time</th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function note(seeds: number): string {
  return seeds > 1
    ? 'Differences smaller than their spread are no ranking.'
    : 'One seed shows that everything works; it ranks nothing. Run with --full for ten.';
}

function gallery(pictures: readonly Picture[], results: readonly MethodResult[]): string {
  const cards = pictures.map(({ digit, base, predictions }) => {
    const answers = results.map(({ name }) => {
      const answer = predictions[name];
      const isRight = answer === digit.digit;
      return `<li class="${isRight ? 'right' : 'wrong'}">${markup(name)} <b>${answer ?? '?'}</b></li>`;
    });
    return `<figure>${digitPicture(digit)}<figcaption>a ${digit.digit}; the base: ${base}</figcaption><ul>${answers.join('')}</ul></figure>`;
  });
  return `<div class="gallery">${cards.join('')}</div>`;
}

function hasChangingRanks(records: MethodResult['runs'][number]['ranks']): boolean {
  const [first] = records;
  return records.some(({ ranks }) => Object.entries(ranks).some(([target, rank]) => first?.ranks[target] !== rank));
}

function smoothed(points: Series['points']): Series['points'] {
  return points.map(({ step }, index) => {
    const window = points.slice(Math.max(0, index - 9), index + 1);
    return { step, value: window.reduce((sum, { value }) => sum + value, 0) / window.length };
  });
}

function colourOf(index: number): string {
  return colours[index % colours.length] as string;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
