/**
 * A server that pushes through @parse/push-adapter, as Parse Server does, in a process of its own. The packages that it
 * uses are those of the folder that its task names. Prints the adapter's results. Started by parse-push.test.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

interface Task {
  readonly packages: string;
  readonly ios: readonly object[];
  readonly pushes: readonly { readonly data: object; readonly installations: readonly object[] }[];
}

interface Adapter {
  readonly senderMap: { readonly ios: { readonly providers: readonly { shutdown(callback?: () => void): void }[] } };
  send(data: object, installations: readonly object[]): Promise<readonly object[]>;
}

interface AdapterModule {
  readonly default: new (config: object) => Adapter;
}

const { packages, ios, pushes } = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as Task;
const { resolve } = createRequire(path.join(packages, 'server.js'));
const module = (await import(pathToFileURL(resolve('@parse/push-adapter')).href)) as AdapterModule;
const adapter = new module.default({ ios });
for (const { data, installations } of pushes) {
  const results = await adapter.send(data, installations);
  for (const result of results) console.log(JSON.stringify(result));
}
for (const provider of adapter.senderMap.ios.providers) {
  await new Promise<void>((done) => provider.shutdown(done));
}
console.log('ended');
