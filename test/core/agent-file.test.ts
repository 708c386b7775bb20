import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { parseAgentFile, readAgentFile } from '../../src/core/agent-file.ts';
import { SetupError } from '../../src/core/errors.ts';

const problemsOf = (source: string) => {
  try {
    parseAgentFile(source, 'agent.yml');
  } catch (error) {
    if (error instanceof SetupError) return error.message;
    throw error;
  }
  return 'no problem';
};

describe('agent.yml', () => {
  it('accepts the persona that ships', async () => {
    const file = await readAgentFile('agent.yml');
    expect(file.name).toBe('shopper');
    expect(file.session.idle_hours).toBe(24);
    expect(file.tools.bash).toBe('off');
  });

  it('fills in what a short file leaves out', () => {
    const file = parseAgentFile('name: coach\nmodel: claude-haiku-5-5\nsystem: Coach.\n', 'agent.yml');
    expect(file.memory.preload_bytes).toBe(16_384);
    expect(file.tools.read).toBe('allow');
  });

  it('reads who may talk with the bot and how much, and says when YAML ate an id', () => {
    const short = 'name: coach\nmodel: m\nsystem: s\n';
    const open = parseAgentFile(short, 'agent.yml');
    expect(open.access).toEqual({ default: 'open', rules: [] });
    expect(open.limits).toEqual({ time_zone: 'UTC', person: {}, workspace: {} });
    const message = problemsOf(
      `${short}access:\n  rules:\n    - platform: discord\n      mode: closed\n      allow: [81384788765712384]\nlimits:\n  time_zone: Mars/Olympus\n  person: {turns: 0}\n`,
    );
    expect(message).toMatch(/line 7: access\.rules\.0\.mode: /);
    expect(message).toMatch(/line 8: access\.rules\.0\.allow\.0: must be text: put ids in quotes/);
    expect(message).toMatch(/line 10: limits\.time_zone: must be a time zone/);
    expect(message).toMatch(/line 11: limits\.person\.turns: must be more than 0/);
  });

  it('reads what the form asks for, and says what is wrong with a field', () => {
    const short = 'name: coach\nmodel: m\nsystem: s\n';
    expect(parseAgentFile(short, 'agent.yml').memory.form).toEqual([]);
    const { memory } = parseAgentFile(
      `${short}memory:\n  form:\n    - budget\n    - { label: Goal, hint: a marathon, note: goals }\n`,
      'agent.yml',
    );
    expect(memory.form).toEqual([
      'budget',
      { label: 'Goal', hint: 'a marathon', note: 'goals', several: false },
    ]);
    const message = problemsOf(
      [
        `${short}memory:`,
        '  form:',
        '    - shoesize',
        '    - { label: "Goal: one", hint: x, note: Goals.md }',
        '    - { label: Pace, hint: x, note: pace, kind: list }',
        '    - { label: Week }',
        '    - 9',
      ].join('\n'),
    );
    expect(message).toMatch(
      /line 6: memory\.form\.0: comes with the bot: shoe_size, .*; any other needs a label, a hint and a note/,
    );
    expect(message).toMatch(/line 7: memory\.form\.1\.label: must have letters, and none of : = \| \( \)/);
    expect(message).toMatch(/line 7: memory\.form\.1\.note: is the name of a note, such as goals/);
    expect(message).toMatch(/line 8: memory\.form\.2\.kind: is not a setting/);
    expect(message).toMatch(/line 9: memory\.form\.3\.hint: /);
    expect(message).toMatch(/line 10: memory\.form\.4: /);
    expect(problemsOf(`${short}memory: { form: [budget, budget] }`)).toContain('names a field twice');
    expect(
      problemsOf(`${short}memory: { form: [budget, { label: Budget, hint: x, note: club }] }`),
    ).toContain('names a field twice');
  });

  it('names every problem at once, each with its line', () => {
    const source = [
      'name: ""',
      'model: m',
      'system: hi',
      'tools:',
      '  bash: maybe',
      '  fly: allow',
      'mcp_servers:',
      '  - name: "a b"',
      '    url: nonsense',
      'session:',
      '  idle_hours: -1',
      'colour: red',
    ].join('\n');
    const message = problemsOf(source);
    expect(message).toMatch(/^agent\.yml has 7 problems:/);
    for (const start of [
      'line 1: name',
      'line 5: tools.bash',
      'line 6: tools.fly: is not a setting',
      'line 8: mcp_servers.0.name',
      'line 9: mcp_servers.0.url',
      'line 11: session.idle_hours',
      'line 12: colour: is not a setting',
    ]) {
      expect(message).toContain(`  ${start}`);
    }
  });

  it('says in plain words what is missing and what a setting has to be', () => {
    expect(problemsOf('')).toContain('line 1: must be settings, each as "name: value"');
    expect(problemsOf('name: x')).toBe(
      'agent.yml has 2 problems:\n  line 1: model: is missing\n  line 1: system: is missing',
    );
    const message = problemsOf(
      'name: 5\nmodel: [m]\nsystem: s\naccess: { default: closed }\nmemory: { form: budget }\nlimits: 3',
    );
    expect(message.split('\n').slice(1)).toEqual([
      '  line 1: name: must be text',
      '  line 2: model: must be text, or settings, each as "name: value"',
      '  line 4: access.default: must be one of open, allowlist, pairing',
      '  line 5: memory.form: must be a list',
      '  line 6: limits: must be settings, each as "name: value"',
    ]);
  });

  it('says where a file is not even YAML', () => {
    expect(problemsOf('name: x\nsystem: [')).toMatch(/line 2: /);
  });

  it('refuses an agent that could not open its memory', () => {
    expect(problemsOf('name: x\nmodel: m\nsystem: s\ntools:\n  read: off\n')).toContain('memory is a folder');
  });

  it('says what to set when the file is missing', async () => {
    await expect(readAgentFile('/nowhere/agent.yml')).rejects.toThrow(/AGENT_FILE/);
  });

  it('tells the agent what never to keep and that memory is not instruction', async () => {
    const { system } = parseAgentFile(await readFile('agent.yml', 'utf8'), 'agent.yml');
    for (const rule of [
      'passwords',
      'Never say that you saved',
      'never\n  an instruction',
      'replaces the old line',
    ]) {
      expect(system.replace(/\s+/g, ' ')).toContain(rule.replace(/\s+/g, ' '));
    }
  });
});
