import { peerProblems, splitList } from "./peers.ts";
import type { ConfigProblem } from "./problem.ts";
import type { Config } from "./schema.ts";

/** Problems that keep a node from starting, and settings that have no effect. */
export interface StartCheck {
	readonly errors: readonly ConfigProblem[];
	readonly warnings: readonly ConfigProblem[];
}

/**
 * What only `cairn start` (and `config check`) asks: addresses, peers, and parts of CometBFT that do not exist here.
 * Other commands work on a home folder whose node could not start. `origins` are those of `resolveConfig`.
 */
export function checkForStart(config: Config, origins: ReadonlyMap<string, string>): StartCheck {
	const errors: ConfigProblem[] = [];
	const warnings: ConfigProblem[] = [];
	const problem = (key: string, what: string, fix: string): ConfigProblem => {
		const where = origins.get(key) ?? "default";
		return where.startsWith("flag ") || where.startsWith("environment ")
			? { where, key: "", what, fix }
			: { where: where === "default" ? config.paths.configFile : where, key, what, fix };
	};
	const wrong = (key: string, what: string, fix: string) => errors.push(problem(key, what, fix));
	checkAddresses(config, wrong);
	for (const found of peerProblems(config)) wrong(found.key, found.what, found.fix);
	if (config.base.dbBackend !== "goleveldb") {
		wrong(
			"db_backend",
			`"${config.base.dbBackend}" databases cannot be read`,
			'write "goleveldb"; a node with other databases must sync anew',
		);
	}
	if (config.rpc.pprofLaddr !== "") {
		warnings.push(problem("rpc.pprof_laddr", "has no effect", "Go's profiler does not exist here; see node --inspect"));
	}
	const certificates = Number(config.rpc.tlsCertFile !== "") + Number(config.rpc.tlsKeyFile !== "");
	if (certificates === 1) {
		warnings.push(problem("rpc.tls_cert_file", "alone has no effect", "HTTPS needs tls_cert_file and tls_key_file"));
	}
	return { errors, warnings };
}

type Report = (key: string, what: string, fix: string) => void;

function checkAddresses(config: Config, wrong: Report): void {
	const listen = (key: string, address: string, schemes: readonly string[], schemeNeeded: boolean) => {
		const breach = addressBreach(address, schemes, schemeNeeded);
		if (breach !== undefined) wrong(key, `"${address}" ${breach.what}`, breach.fix);
	};
	for (const address of splitList(config.rpc.laddr)) listen("rpc.laddr", address, ["tcp", "unix"], true);
	if (config.rpc.grpcLaddr !== "") listen("rpc.grpc_laddr", config.rpc.grpcLaddr, ["tcp", "unix"], true);
	listen("p2p.laddr", config.p2p.laddr, ["tcp"], false);
	if (config.p2p.externalAddress !== "") listen("p2p.external_address", config.p2p.externalAddress, ["tcp"], false);
	if (config.base.privValidatorLaddr !== "") {
		listen("priv_validator_laddr", config.base.privValidatorLaddr, ["tcp", "unix", "noise"], true);
	}
	if (config.instrumentation.prometheus && config.instrumentation.prometheusListenAddr !== "") {
		listen("instrumentation.prometheus_listen_addr", config.instrumentation.prometheusListenAddr, [], false);
	}
}

interface Breach {
	readonly what: string;
	readonly fix: string;
}

function addressBreach(address: string, schemes: readonly string[], schemeNeeded: boolean): Breach | undefined {
	const match = /^([a-z]+):\/\/(.*)$/.exec(address);
	const [scheme, rest] = match === null ? [undefined, address] : [match[1] ?? "", match[2] ?? ""];
	const example = schemes.length === 0 ? ":26660" : "tcp://0.0.0.0:26656";
	if (scheme === undefined && schemeNeeded) {
		return { what: "does not say how to listen", fix: `write ${schemes.map((name) => `${name}://…`).join(" or ")}` };
	}
	if (scheme !== undefined && !schemes.includes(scheme)) {
		return { what: `begins with ${scheme}://, which is not understood here`, fix: `write for example "${example}"` };
	}
	if (scheme === "unix")
		return rest === "" ? { what: "has no path", fix: 'write "unix:///path/to/socket"' } : undefined;
	const at = rest.lastIndexOf("@");
	const port = portOf(at < 0 ? rest : rest.slice(at + 1));
	if (port === undefined) return { what: "has no port", fix: `write for example "${example}"` };
	return port > 65_535
		? { what: `has the port ${port}, which does not exist`, fix: "use a port up to 65535" }
		: undefined;
}

function portOf(hostPort: string): number | undefined {
	const match = /^(?:\[[^\]]*\]|[^:]*):(\d+)$/.exec(hostPort);
	return match === null ? undefined : Number(match[1]);
}
