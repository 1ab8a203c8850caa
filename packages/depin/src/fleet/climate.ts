/** A recorded value: nanoseconds since 1970, and what was measured. */
export interface SeriesPoint {
	readonly time: bigint;
	readonly value: number;
}

const DAY_NS = 86_400_000_000_000n;

/** How a value moves with time. */
export interface Climate {
	at(timeNs: bigint): number;
}

/** A day's curve: lowest in the early morning, highest in the afternoon (UTC). */
export function diurnalClimate(mean: number, swing: number): Climate {
	return {
		at: (timeNs) => {
			const dayFraction = Number(((timeNs % DAY_NS) + DAY_NS) % DAY_NS) / Number(DAY_NS);
			return mean + swing * Math.sin(2 * Math.PI * (dayFraction - 0.375));
		},
	};
}

/** Recorded values over and over, with straight lines between them. Points are in order of time; at least two. */
export function recordedClimate(series: readonly SeriesPoint[]): Climate {
	const start = series[0]?.time ?? 0n;
	const span = (series.at(-1)?.time ?? 0n) - start;
	return {
		at: (timeNs) => {
			const time = start + ((((timeNs - start) % span) + span) % span);
			let low = 0;
			let high = series.length - 1;
			while (high - low > 1) {
				const middle = (low + high) >> 1;
				if ((series[middle]?.time ?? 0n) <= time) low = middle;
				else high = middle;
			}
			const [before, after] = [series[low], series[high]];
			if (before === undefined || after === undefined) return 0;
			const part = Number(time - before.time) / Number(after.time - before.time);
			return before.value + (after.value - before.value) * part;
		},
	};
}
