/**
 * The reports of the public face in api/: one for each entry point of the package, written by `npm run api` from the
 * compiled declarations, so that a change of the face is seen in review. `test/api.test.ts` compares them.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompilerState, Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** The name of each report, and the declarations that package.json exports. */
const entryPoints = [
  ['peal', 'dist/src/index.d.ts'],
  ['peal-backend', 'dist/src/backend.d.ts'],
  ['peal-cluster', 'dist/src/cluster/index.d.ts'],
  ['peal-fcm', 'dist/src/fcm.d.ts'],
  ['peal-compat-apns2', 'dist/src/compat/apns2/index.d.ts'],
  ['peal-compat-firebase-messaging', 'dist/src/compat/firebase-messaging/index.d.ts'],
  ['peal-compat-node-apn', 'dist/src/compat/node-apn/index.d.ts'],
  ['peal-compat-node-apn-mock', 'dist/src/compat/node-apn/mock.d.ts'],
  ['peal-simulator', 'dist/src/simulator/index.d.ts'],
] as const;

/**
 * Returns the names of the reports that differ from what the declarations in dist/ say. With `isWriting` it writes them
 * anew.
 */
export function changedReports(isWriting: boolean): string[] {
  const temporary = path.join(root, 'dist/api');
  const configs = entryPoints.map(([name, file]) => configOf(name, file, temporary));
  const additionalEntryPoints = entryPoints.map(([, file]) => path.join(root, file));
  const compilerState = CompilerState.create(configs[0]!, { additionalEntryPoints });
  try {
    const isChanged = (config: ExtractorConfig): boolean => isReportChanged(config, compilerState, isWriting);
    return entryPoints.filter((_, index) => isChanged(configs[index]!)).map(([name]) => name);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

function isReportChanged(config: ExtractorConfig, compilerState: CompilerState, isWriting: boolean): boolean {
  const { apiReportChanged, errorCount } = Extractor.invoke(config, {
    compilerState,
    localBuild: isWriting,
    // A changed report is said by the caller; errors are printed.
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (errorCount > 0) throw new Error('The declarations in dist/ cannot be read: run npm run build first.');
  return apiReportChanged;
}

function configOf(name: string, file: string, temporary: string): ExtractorConfig {
  const compilerOptions = {
    ...{ module: 'NodeNext', target: 'ES2023', lib: ['ES2023', 'ESNext.Disposable'] },
    ...{ types: ['node'], strict: true, skipLibCheck: true },
  };
  return ExtractorConfig.prepare({
    packageJsonFullPath: path.join(root, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: path.join(root, file),
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { compilerOptions, files: entryPoints.map(([, entry]) => entry) } },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: path.join(root, 'api'),
        reportTempFolder: temporary,
        // What a public type names belongs to the face as well, such as the options of a message.
        includeForgottenExports: true,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        // Release tags, links and places in files are no part of the face.
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
  });
}
