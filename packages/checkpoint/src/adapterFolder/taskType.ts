/** Python PEFT's names of tasks. */
export type TaskType = (typeof taskTypes)[number];

export const taskTypes = [
  'SEQ_CLS',
  'SEQ_2_SEQ_LM',
  'CAUSAL_LM',
  'TOKEN_CLS',
  'QUESTION_ANS',
  'FEATURE_EXTRACTION',
] as const;
