/** Ctrl-Z: by a process of its own, which is really suspended, and by a fake one for the order of calls. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Suspend } from '../../../src/cli/shared/suspend.js';

class FakeProcess extends EventEmitter {
  readonly pid = 1;
  stops = 0;
  kill(_pid: number, signal: string): void {
    assert.equal(signal, 'SIGSTOP');
    this.stops += 1;
  }
}

describe('Suspend', () => {
  let source: FakeProcess;
  let calls: string[];
  let becomeIdle: () => void;
  let suspend: Suspend;

  beforeEach(() => open(100));

  function open(patienceMs: number): void {
    source = new FakeProcess();
    calls = [];
    suspend = new Suspend(source as ConstructorParameters<typeof Suspend>[0], {
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
      idle: () =>
        new Promise<void>((resolve) => {
          becomeIdle = resolve;
        }),
      onSuspend: () => calls.push('suspend'),
      patienceMs,
    });
  }

  afterEach(() => suspend[Symbol.dispose]());

  it('pauses, waits until nothing is under way, suspends, and goes on', async () => {
    source.emit('SIGTSTP');
    assert.deepEqual([calls, source.stops], [['pause'], 0]);
    becomeIdle();
    await sleep(0);
    assert.deepEqual([calls, source.stops], [['pause', 'suspend'], 1]);
    source.emit('SIGCONT');
    assert.deepEqual(calls, ['pause', 'suspend', 'resume']);
    await sleep(150);
    assert.equal(source.stops, 1);
  });

  it('waits no longer than it was told', async () => {
    source.emit('SIGTSTP');
    while (source.stops === 0) await sleep(5);
    becomeIdle();
    await sleep(0);
    assert.equal(source.stops, 1);
  });

  it('suspends at once when it is told twice', async () => {
    source.emit('SIGTSTP');
    source.emit('SIGTSTP');
    assert.deepEqual([calls, source.stops], [['pause', 'suspend'], 1]);
    becomeIdle();
    await sleep(150);
    assert.equal(source.stops, 1);
  });

  it('goes on without standing still when it is told so first', async () => {
    suspend[Symbol.dispose]();
    open(3_600_000);
    source.emit('SIGTSTP');
    const first = becomeIdle;
    source.emit('SIGCONT');
    source.emit('SIGTSTP');
    first();
    await sleep(0);
    assert.deepEqual([calls, source.stops], [['pause', 'resume', 'pause'], 0]);
    becomeIdle();
    await sleep(0);
    assert.equal(source.stops, 1);
  });

  it('does nothing for a SIGCONT that follows no pause', () => {
    source.emit('SIGCONT');
    assert.deepEqual(calls, []);
  });

  it('leaves the signals to the system once it is disposed', async () => {
    source.emit('SIGTSTP');
    suspend[Symbol.dispose]();
    becomeIdle();
    await sleep(150);
    assert.deepEqual([source.stops, source.eventNames()], [0, []]);
  });

  it('really suspends a process, and wakes it', async function () {
    if (process.platform !== 'linux') return this.skip();
    const code = `
      const { Suspend } = await import(${JSON.stringify(new URL('../../../src/cli/shared/suspend.js', import.meta.url).href)});
      setInterval(() => {}, 1000);
      new Suspend(process, {
        pause: () => console.log('pause'),
        resume: () => console.log('resume'),
        idle: () => new Promise((resolve) => setTimeout(resolve, 50)),
      });
      console.log('ready');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      let said = '';
      child.stdout.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
      const until = async (condition: () => boolean): Promise<void> => {
        while (!condition()) await sleep(20);
      };
      await until(() => said === 'ready\n');
      child.kill('SIGTSTP');
      await until(() => isStopped(child));
      // What it wrote before may be read only now.
      await until(() => said.endsWith('pause\n'));
      assert.equal(said, 'ready\npause\n');
      child.kill('SIGCONT');
      await until(() => said.endsWith('resume\n'));
      assert.equal(said, 'ready\npause\nresume\n');
      assert.ok(!isStopped(child));
    } finally {
      child.kill('SIGKILL');
      await once(child, 'close');
    }
  });
});

function isStopped(child: ChildProcess): boolean {
  return /^\d+ \(.*\) T /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8'));
}
