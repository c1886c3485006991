/**
 * Makes the reader of a text whose format is given or found from its beginning, and tells what columns it has. Called
 * by input-file, on the main thread.
 */
import type { Buffer } from 'node:buffer';
import { assert } from '../../base/assert.js';
import type { Rows } from '../../session/recipients/rows.js';
import { InputFault } from '../recipients/input-fault.js';
import type { SourceReader, SourceSink } from '../recipients/read-source.js';
import { hexForm } from '../recipients/token-form.js';
import { CsvRows } from '../tables/csv-rows.js';
import { csvShapeOf, type ShapeProblem, sampleOf, type TableChoices } from '../tables/csv-shape.js';
import { JsonArrayRows } from '../tables/json-array-rows.js';
import { areTexts, firstElements, firstLines, type JsonChoices, jsonShapeOf } from '../tables/json-shape.js';
import { NdjsonRows } from '../tables/ndjson-rows.js';
import { HeadReader } from './head-reader.js';
import { plainListReader, plainListShape } from './plain-list.js';
import { formatOf, type TextFormat } from './text-format.js';

/** How a source is written. */
export interface SourceShape {
  readonly format: TextFormat | 'parquet';
  /** The names of its columns, in their order; null for a plain list. */
  readonly columns: readonly string[] | null;
  /** Whether the names are its own, and no numbers. */
  readonly hasNames: boolean;
  /** The name of the column with the device tokens; null for a plain list. */
  readonly tokenColumn: string | null;
}

/** What the user says of a source; what is not given is found. */
export interface TextChoices extends JsonChoices {
  readonly format?: TextFormat | 'tsv' | undefined;
}

interface TextReaderOptions {
  readonly choices: TextChoices;
  /** For the beginning of a sentence. */
  readonly name: string;
  /** Told once, before the first block. */
  readonly onShape: (shape: SourceShape) => void;
}

export function textReaderOf(sink: SourceSink<Rows>, { choices, name, onShape }: TextReaderOptions): SourceReader {
  const listReader = (): SourceReader => {
    onShape(plainListShape);
    return plainListReader(sink, choices);
  };
  if (choices.format === 'list') return listReader();
  const table: TableChoices = choices.format === 'tsv' ? { ...choices, delimiter: choices.delimiter ?? '\t' } : choices;
  return new HeadReader((head, { isEnd, isHasty }) => {
    const give = (found: ShapeProblem): null => {
      if (isHasty) return null;
      throw new InputFault(name, found.problem);
    };
    const format = formatBy(choices) ?? formatOf(head, isEnd, table);
    if (typeof format === 'object') return give(format);
    // A beginning without a device token may mislead.
    if (isHasty && !hasToken(head, format, table)) return null;
    if (format === 'list') return listReader();
    if (format !== 'csv') {
      const values = format === 'json' ? firstElements(head) : firstLines(head, isEnd);
      if (format === 'ndjson' && values.length === 0) return isHasty ? null : listReader();
      const isList = format === 'json' && areTexts(values);
      const columns = isList ? null : jsonShapeOf(values, choices);
      if (columns !== null && 'problem' in columns) return give(columns);
      const tokenColumn = columns === null ? null : columns.columns[columns.tokenColumn]!;
      onShape({ format, columns: columns?.columns ?? null, hasNames: true, tokenColumn });
      if (format === 'json') return new JsonArrayRows({ columns, name, tokens: choices.tokens }, sink);
      assert(columns !== null, 'NDJSON is a table');
      return new NdjsonRows(columns, { onRows: sink.onBlock, onInvalid: sink.onInvalid }, choices.tokens);
    }
    const sample = sampleOf(head, isEnd, table);
    if (sample.rows.length === 0) return isHasty ? null : listReader();
    const shape = csvShapeOf(sample, table);
    if ('problem' in shape) return give(shape);
    const tokenColumn = shape.columns[shape.tokenColumn]!;
    onShape({ format, columns: shape.columns, hasNames: shape.hasHeader, tokenColumn });
    return new CsvRows(shape, { onRows: sink.onBlock, onInvalid: sink.onInvalid }, choices.tokens);
  });
}

function formatBy({ format }: TextChoices): TextFormat | undefined {
  return format === 'tsv' ? 'csv' : format;
}

function hasToken(head: Buffer, format: TextFormat, choices: TableChoices): boolean {
  const { tokens = hexForm() } = choices;
  const isToken = (text: unknown): boolean => typeof text === 'string' && tokens.likeBytes(text) > 0;
  if (format === 'ndjson' || format === 'json') {
    const values = format === 'json' ? firstElements(head) : firstLines(head, false);
    return values.some((value) => isToken(value) || Object.values(value ?? {}).some(isToken));
  }
  return sampleOf(head, false, choices).rows.some((row) => row.some(isToken));
}
