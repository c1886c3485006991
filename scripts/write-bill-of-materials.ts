/** `npm run sbom -- FILE`: writes the bill of materials, by default to dist/peal.cdx.json. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { billOfMaterials } from './bill-of-materials.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const file = path.resolve(process.argv[2] ?? path.join(root, 'dist/peal.cdx.json'));
writeFileSync(file, `${JSON.stringify(billOfMaterials(root), null, 2)}\n`);
console.log(file);
