export { type ByteSource, byteSource } from './byteSource.ts';
export { fileSource } from './fileSource.ts';
export type { LazyTensor, StoredTensor } from './lazyTensor.ts';
export { type ModelFolder, readModelFolder } from './modelFolder/readModelFolder.ts';
export type { FolderSource } from './openFolder.ts';
export { openSafetensors, type SafetensorsFile } from './safetensors/openSafetensors.ts';
export type { OpaqueDtype } from './safetensors/safetensorsDtype.ts';
export { safetensorsChunks, writeSafetensors } from './safetensors/writeSafetensors.ts';
