import { readFile } from "node:fs/promises";
import { CairnError, messageOf } from "@cairn/kit";

/** A recorded value: nanoseconds since 1970, and °C. */
export interface RecordedTemperature {
	readonly time: bigint;
	readonly value: number;
}

/**
 * Hourly temperatures of a year in Seattle: normals of 1981 to 2010 by NOAA's National Climatic Data Center, as the
 * package vega-datasets brings them.
 */
const FILE = "seattle-weather-hourly-normals.csv";

/** @throws CairnError `weather` where the package lacks the file */
export async function recordedTemperatures(): Promise<readonly RecordedTemperature[]> {
	try {
		const entry = import.meta.resolve("vega-datasets");
		return parseTemperatures(await readFile(new URL(`../data/${FILE}`, entry), "utf8"));
	} catch (cause) {
		const text = `the recorded weather of vega-datasets cannot be read: ${messageOf(cause)}; run npm ci again`;
		throw new CairnError("weather", "operator", text, {}, cause);
	}
}

/** Reads lines of `date,pressure,temperature,wind` with a heading. @throws CairnError `weather` for any other line */
export function parseTemperatures(csv: string): readonly RecordedTemperature[] {
	const [heading = "", ...lines] = csv.trim().split(/\r?\n/);
	const column = heading.split(",").indexOf("temperature");
	return lines.map((line, index) => {
		const fields = line.split(",");
		const milliseconds = Date.parse(`${fields[0]}Z`);
		const value = Number(fields[column]);
		if (column < 0 || Number.isNaN(milliseconds) || !Number.isFinite(value)) {
			throw new CairnError(
				"weather",
				"operator",
				`line ${index + 2} of the recorded weather has no temperature: ${line}`,
			);
		}
		return { time: BigInt(milliseconds) * 1_000_000n, value };
	});
}
