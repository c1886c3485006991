/**
 * The step about the configuration file and the variables of peal, which were read before the command line. Pure; main
 * thread.
 */
import { counted } from '../../base/text.js';
import type { Terminal } from '../shared/terminal.js';
import { asSentence, ok, type Step, warning } from './step.js';

export function settingsStep(settings: Terminal['settings']): Step {
  const { file = null, sources = [], notes = [] } = settings ?? {};
  const given = `${counted(sources.length, 'option')} from ${file === null ? 'the environment' : 'it and the environment'}`;
  const from = sources.length === 0 ? [] : [given];
  const found = [file === null ? 'no configuration file' : `the configuration file is ${file}`, ...from].join('; ');
  const details = { file, sources };
  if (notes.length === 0) return ok('settings', found, details);
  const advice = notes.map(
    (note) => `${asSentence(note)}${note.endsWith('no effect') ? ' Correct the name, or unset it.' : ''}`,
  );
  return warning('settings', found, advice.join(' '), details);
}
