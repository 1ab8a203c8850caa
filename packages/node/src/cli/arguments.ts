/** A flag as the command line may spell it. */
export interface KnownFlag {
	/** With its dashes: `--p2p.external-address`. */
	readonly long: string;
	readonly isBoolean: boolean;
}

/** `--proxy-app` and `--proxy_app` are one flag. */
export function foldFlag(name: string): string {
	return name.replaceAll("-", "_");
}

/**
 * Brings arguments into the form that the parser takes, by the rules of CometBFT's (pflag): words of a flag may be
 * joined by `-` or `_`; a boolean flag never takes the next argument (`--p2p.pex=false`); every other flag takes it
 * whatever it is.
 */
export function normalArguments(args: readonly string[], flags: readonly KnownFlag[]): readonly string[] {
	const byFold = new Map(flags.map((flag) => [foldFlag(flag.long), flag]));
	const normal: string[] = [];
	for (let at = 0; at < args.length; at++) {
		const arg = args[at] ?? "";
		if (arg === "--") return [...normal, ...args.slice(at)];
		const equals = arg.indexOf("=");
		const name = equals < 0 ? arg : arg.slice(0, equals);
		const flag = name.startsWith("--") ? byFold.get(foldFlag(name)) : undefined;
		if (flag === undefined) normal.push(arg);
		else if (equals >= 0) normal.push(flag.long + arg.slice(equals));
		else if (flag.isBoolean) normal.push(`${flag.long}=true`);
		else {
			normal.push(flag.long);
			const value = args[at + 1];
			// Joined, so that a value that looks like a flag stays a value.
			if (value !== undefined) normal[normal.length - 1] = `${flag.long}=${value}`;
			at++;
		}
	}
	return normal;
}
