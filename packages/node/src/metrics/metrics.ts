import { type Counter, type Gauge, type Histogram, invariant, type Metrics } from "@cairn/kit";
import * as prometheus from "prom-client";

export interface MetricsOptions {
	/** First word of every name (`instrumentation.namespace`); empty for none. */
	readonly namespace: string;
	/** Value of the label `chain_id` of every series. */
	readonly chainId: string;
}

/** The metrics of one node: declared through kit's interface, read as Prometheus text. */
export interface NodeMetrics extends Metrics {
	/** All series that were touched, in Prometheus's text format 0.0.4. */
	exposition(): Promise<string>;
	/** Adds `process_…` and `nodejs_…`: memory, event loop delay, garbage collection. Once per process. */
	collectProcess(): void;
}

export const EXPOSITION_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

interface Shape {
	readonly name: string;
	readonly help: string;
	readonly labelNames: readonly string[];
}

/** An own registry per node, so that several nodes of one process do not mix. */
export function createMetrics(options: MetricsOptions): NodeMetrics {
	const registry = new prometheus.Registry();
	registry.setDefaultLabels({ chain_id: options.chainId });
	const declared = new Map<string, { readonly kind: string; readonly handle: Counter | Gauge | Histogram }>();
	const shape = (name: string, help: string, labelNames: readonly string[] = []): Shape => ({
		name: options.namespace === "" ? name : `${options.namespace}_${name}`,
		help,
		labelNames,
	});
	// Two rooms may declare one metric; both then write to the same.
	const declare = <T extends Counter | Gauge | Histogram>(kind: string, name: string, make: () => T): T => {
		const before = declared.get(name);
		invariant(
			before === undefined || before.kind === kind,
			`metric ${name} is declared as ${before?.kind} and as ${kind}`,
		);
		const handle = (before?.handle as T | undefined) ?? make();
		if (before === undefined) declared.set(name, { kind, handle });
		return handle;
	};
	return {
		counter: (name, help, labels) => declare("counter", name, () => counter(registry, shape(name, help, labels))),
		gauge: (name, help, labels) => declare("gauge", name, () => gauge(registry, shape(name, help, labels))),
		histogram: (name, help, buckets, labels) =>
			declare("histogram", name, () => histogram(registry, shape(name, help, labels), buckets)),
		exposition: () => registry.metrics(),
		collectProcess: () => prometheus.collectDefaultMetrics({ register: registry }),
	};
}

/** A metric enters the registry at its first touch: as in CometBFT, what never happened does not show. */
function lazily<T>(make: () => T): () => T {
	let made: T | undefined;
	return () => {
		made ??= make();
		return made;
	};
}

function configuration(registry: prometheus.Registry, shape: Shape) {
	return { ...shape, labelNames: [...shape.labelNames], registers: [registry] };
}

function counter(registry: prometheus.Registry, shape: Shape): Counter {
	const metric = lazily(() => new prometheus.Counter(configuration(registry, shape)));
	return {
		add: (by, labels = {}) => {
			invariant(by >= 0 && Number.isFinite(by), `counter ${shape.name} cannot grow by ${by}`);
			metric().inc(labels, by);
		},
	};
}

function gauge(registry: prometheus.Registry, shape: Shape): Gauge {
	const metric = lazily(() => new prometheus.Gauge(configuration(registry, shape)));
	return {
		set: (value, labels = {}) => metric().set(labels, value),
		add: (by, labels = {}) => metric().inc(labels, by),
	};
}

function histogram(registry: prometheus.Registry, shape: Shape, buckets: readonly number[]): Histogram {
	const metric = lazily(() => new prometheus.Histogram({ ...configuration(registry, shape), buckets: [...buckets] }));
	return { observe: (value, labels = {}) => metric().observe(labels, value) };
}
