/** `npm run licences`: writes THIRD-PARTY-LICENSES.md. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { thirdPartyLicences } from './licences.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
writeFileSync(path.join(root, 'THIRD-PARTY-LICENSES.md'), thirdPartyLicences(root));
