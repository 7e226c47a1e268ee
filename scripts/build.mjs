import { installAndBuild } from './installAndBuild.mjs';

if (await installAndBuild()) process.exitCode = 1;
