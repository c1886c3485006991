/** The loader behind planted-hook: gives one module another source. On the thread that Node keeps for loaders. */
import type { InitializeHook, LoadHook } from 'node:module';

interface Planting {
  readonly url: string;
  readonly source: string;
}

let planting: Planting | null = null;

export const initialize: InitializeHook<Planting> = (data) => {
  planting = data;
};

export const load: LoadHook = async (url, context, nextLoad) => {
  const loaded = await nextLoad(url, context);
  return planting?.url === url ? { ...loaded, source: planting.source } : loaded;
};
