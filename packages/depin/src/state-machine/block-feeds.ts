import { compareText } from "./order.ts";
import { emptyFeed, FEEDS } from "./records.ts";
import type { StagedState } from "./state.ts";

interface Contribution {
	readonly device: string;
	readonly reputation: number;
	readonly value: bigint;
	readonly time: bigint;
}

/** Gathers what a block accepts, and writes one summary per metric at its end. */
export class BlockFeeds {
	readonly #metrics = new Map<string, { unit: string; contributions: Contribution[] }>();

	add(metric: string, unit: string, contribution: Contribution): void {
		const known = this.#metrics.get(metric);
		if (known === undefined) this.#metrics.set(metric, { unit, contributions: [contribution] });
		else known.contributions.push(contribution);
	}

	write(state: StagedState, height: number, time: bigint): void {
		for (const metric of [...this.#metrics.keys()].sort(compareText)) {
			const { unit, contributions } = this.#metrics.get(metric) ?? { unit: "", contributions: [] };
			const last = contributions.at(-1);
			if (last === undefined) continue;
			const before = state.get(FEEDS, metric) ?? emptyFeed(metric, unit);
			const sorted = [...contributions].sort((a, b) => (a.value < b.value ? -1 : a.value > b.value ? 1 : 0));
			state.set(FEEDS, metric, {
				metric,
				unit,
				accepted: before.accepted + contributions.length,
				height,
				time,
				count: contributions.length,
				contributors: new Set(contributions.map(({ device }) => device)).size,
				median: weightedMedian(sorted),
				min: sorted[0]?.value ?? 0n,
				max: sorted.at(-1)?.value ?? 0n,
				last: { device: last.device, value: last.value, time: last.time },
			});
		}
	}
}

/** The lower weighted median: the first value at which half of all reputation is reached. */
function weightedMedian(sorted: readonly Contribution[]): bigint {
	// A device without reputation still counts a little, or a feed of newcomers would have no median.
	const weights = sorted.map(({ reputation }) => reputation + 1);
	const total = weights.reduce((sum, weight) => sum + weight, 0);
	let reached = 0;
	for (const [index, { value }] of sorted.entries()) {
		reached += weights[index] ?? 0;
		if (2 * reached >= total) return value;
	}
	return sorted.at(-1)?.value ?? 0n;
}
