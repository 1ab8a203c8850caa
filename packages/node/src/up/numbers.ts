/** `1,234,567`. */
export function countText(count: number): string {
	return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `812 ms`, `1.62 s`, `2 min 5 s`; `–` for what is not known. */
export function millisecondsText(ms: number | null): string {
	if (ms === null) return "–";
	if (ms < 1_000) return `${Math.round(ms)} ms`;
	if (ms < 100_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`;
	const seconds = Math.round(ms / 1_000);
	return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/** `85 MB`, in millions of bytes; `–` for what is not known. */
export function megabytesText(bytes: number | null): string {
	return bytes === null ? "–" : `${Math.round(bytes / 1e6)} MB`;
}

/** `0:05`, `12:34`, `1:02:03`. */
export function clockText(ms: number): string {
	const seconds = Math.floor(ms / 1_000);
	const two = (value: number): string => String(value).padStart(2, "0");
	const hours = Math.floor(seconds / 3_600);
	const minutes = Math.floor(seconds / 60) % 60;
	return hours === 0 ? `${minutes}:${two(seconds % 60)}` : `${hours}:${two(minutes)}:${two(seconds % 60)}`;
}

/** `1 node`, `3 nodes`. */
export function plural(count: number, noun: string): string {
	return `${countText(count)} ${noun}${count === 1 ? "" : "s"}`;
}
