/**
 * Which of a model's targets to adapt, by Python PEFT's rules: a string is a Python regular expression for the whole
 * path, `'all-linear'` is every dense target but the output head, a list holds names matched whole or as suffixes on a
 * dot boundary. A `RegExp` is JavaScript's own and must match the whole path too.
 */
export type TargetSelection = string | 'all-linear' | RegExp | readonly string[];

/** A selection with its filters; Python's names in brackets. */
export type TargetOptions = {
  /** What to adapt (`target_modules`). */
  readonly targets: TargetSelection;
  /** What to leave alone, checked first (`exclude_modules`). */
  readonly exclude?: string | RegExp | readonly string[];
  /** Layer numbers that a suffix match is limited to (`layers_to_transform`); an empty list means every layer. */
  readonly layers?: number | readonly number[];
  /** Names of the container whose number counts as the layer (`layers_pattern`); regular expressions. */
  readonly layersPattern?: string | readonly string[];
  /** Modules trained whole, which therefore take no adapter, nor does anything under them (`modules_to_save`). */
  readonly modulesToSave?: readonly string[];
  /** Paths of the model's output head, which `'all-linear'` leaves alone. */
  readonly outputHead?: readonly string[];
};
