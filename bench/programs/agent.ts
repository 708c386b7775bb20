import { createAgentServer, type Pace } from '../agent-server.ts';
import { serveProgram } from '../program.ts';

const server = await createAgentServer();

serveProgram({
  url: () => server.url,
  pace: (pace: Partial<Pace>) => server.pace(pace),
  times: (turns: number[]) => turns.map(turn => server.times(turn)),
  requests: () => server.requests(),
});
