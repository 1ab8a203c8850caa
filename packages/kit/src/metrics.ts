/** Values of labels, by label name. */
export type Labels = Readonly<Record<string, string>>;

export interface Counter {
	add(by: number, labels?: Labels): void;
}
export interface Gauge {
	set(value: number, labels?: Labels): void;
	add(by: number, labels?: Labels): void;
}
export interface Histogram {
	observe(value: number, labels?: Labels): void;
}

/**
 * Where a room declares the metrics it keeps. Names are CometBFT's, without namespace: `consensus_height`.
 * A series appears in the exposition once it has been touched, as in CometBFT.
 */
export interface Metrics {
	counter(name: string, help: string, labelNames?: readonly string[]): Counter;
	gauge(name: string, help: string, labelNames?: readonly string[]): Gauge;
	histogram(name: string, help: string, buckets: readonly number[], labelNames?: readonly string[]): Histogram;
}

const nothing = (): void => {};

/** Metrics that go nowhere. */
export const noMetrics: Metrics = {
	counter: () => ({ add: nothing }),
	gauge: () => ({ set: nothing, add: nothing }),
	histogram: () => ({ observe: nothing }),
};
