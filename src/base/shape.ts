/**
 * Whether what was read of a file has the shape that its reader relies on: another version of peal may have written it.
 * Fields that the reader does not know are allowed. Pure; any thread.
 */
type Shape = (value: unknown) => boolean;

export const anyText: Shape = (value) => typeof value === 'string';
export const anyNumber: Shape = (value) => Number.isFinite(value);
export const anyFlag: Shape = (value) => typeof value === 'boolean';

export const among =
  (...values: readonly unknown[]): Shape =>
  (value) =>
    values.includes(value);

export const orNull =
  (shape: Shape): Shape =>
  (value) =>
    value === null || shape(value);

/** Of a field that may be missing. */
export const optional =
  (shape: Shape): Shape =>
  (value) =>
    value === undefined || shape(value);

export const listOf =
  (shape: Shape): Shape =>
  (value) =>
    Array.isArray(value) && value.every(shape);

/** An object with any names. */
export const namesTo =
  (shape: Shape): Shape =>
  (value) =>
    isObject(value) && Object.values(value).every(shape);

/** An object with a shape for each field of its type. */
export const fieldsOf =
  <Data>(fields: { readonly [Name in keyof Required<Data>]: Shape }): ((value: unknown) => value is Data) =>
  (value): value is Data =>
    isObject(value) &&
    Object.entries<Shape>(fields as Readonly<Record<string, Shape>>).every(([name, shape]) => shape(value[name]));

export const anyValue: Shape = () => true;

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
