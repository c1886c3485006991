/** `npm run api`: writes the reports in api/ anew, and says which have changed. */
import { changedReports } from './api.js';

const changed = changedReports(true);
console.log(changed.length === 0 ? 'api/: nothing has changed' : `api/: written anew: ${changed.join(', ')}`);
