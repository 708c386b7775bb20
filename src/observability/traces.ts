import { context, DiagLogLevel, diag, ProxyTracerProvider, propagation, trace } from '@opentelemetry/api';
import { SetupError } from '../core/errors.ts';
import type { Log } from '../log.ts';

const FLUSH_MS = 5_000;

/**
 * Exports spans over OTLP/HTTP, as the OTEL_… variables of the environment say (the SDK reads them by itself).
 * Loaded only when asked for. Where somebody has registered an SDK of their own (`node --import …`), that one gets
 * the spans and nothing is set up here. Returns what flushes and ends it.
 */
export async function exportTraces(about: { version: string }, log: Log): Promise<() => Promise<void>> {
  const { sdk, exporter, resources } = await load();
  const provider = new sdk.NodeTracerProvider({
    resource: resources
      .defaultResource()
      .merge(
        resources.resourceFromAttributes({ 'service.name': 'shopper', 'service.version': about.version }),
      )
      // What OTEL_SERVICE_NAME and OTEL_RESOURCE_ATTRIBUTES say comes last.
      .merge(resources.detectResources({ detectors: [resources.envDetector] })),
    spanProcessors: [new sdk.BatchSpanProcessor(new exporter.OTLPTraceExporter())],
  });
  provider.register();
  const global = trace.getTracerProvider();
  if (!(global instanceof ProxyTracerProvider) || global.getDelegate() !== provider) {
    await provider.shutdown();
    log.info({ event: 'traces.foreign' }, 'traces go to the OpenTelemetry SDK that was loaded before');
    return async () => {};
  }
  diag.setLogger(
    {
      error: sentence => log.warn({ event: 'traces.trouble' }, oneLine(sentence)),
      warn: sentence => log.debug({ event: 'traces.trouble' }, oneLine(sentence)),
      info() {},
      debug() {},
      verbose() {},
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  log.info({ event: 'traces.started' }, 'traces are exported over OTLP');
  return async () => {
    const late = new Promise<void>(resolve => {
      setTimeout(resolve, FLUSH_MS).unref();
    });
    // A collector that is gone must not keep the process from ending.
    await Promise.race([provider.shutdown().catch(() => {}), late]);
    trace.disable();
    context.disable();
    propagation.disable();
    diag.disable();
  };
}

async function load() {
  try {
    const [sdk, exporter, resources] = await Promise.all([
      import('@opentelemetry/sdk-trace-node'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ]);
    return { sdk, exporter, resources };
  } catch (cause) {
    throw new SetupError(
      'OTEL_EXPORTER_OTLP_ENDPOINT is set, but the OpenTelemetry SDK is not installed: it is an optional dependency. Install without --omit=optional, or unset the variable.',
      { cause },
    );
  }
}

function oneLine(sentence: string): string {
  return sentence.split('\n', 1)[0] ?? '';
}
