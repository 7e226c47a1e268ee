/** Kernels count places below this; larger work is done in several launches. */
export const mostPlaces: number = 2 ** 31;
