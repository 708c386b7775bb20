/** Lets the harness call functions in a program that it started (see programs.ts). The program ends with the harness. */

export type Operations = { [name: string]: (argument: never) => unknown };

interface Call {
  id: number;
  name: string;
  argument: never;
}

export function serve(operations: Operations): void {
  process.on('message', (call: Call) => {
    Promise.resolve()
      .then(() => operations[call.name]?.(call.argument))
      .then(
        value => process.send?.({ id: call.id, value }),
        (error: unknown) =>
          process.send?.({ id: call.id, error: error instanceof Error ? error.stack : String(error) }),
      );
  });
  process.on('disconnect', () => process.exit(0));
  process.send?.({ id: 0 });
}
