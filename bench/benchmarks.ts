/** The benchmarks of `npm run bench`, in its order: name of the npm script without `bench:`, and main module. */
export const benchmarks: Readonly<Record<string, string>> = {
  micro: 'micro/main',
  throughput: 'macro/throughput',
  single: 'single/main',
  scaling: 'scaling/main',
  memory: 'memory/main',
  dispatcher: 'dispatcher/main',
  peers: 'comparison/main',
  fcm: 'fcm/main',
};
