import type { OpenBuiltin } from "@cairn/abci";
import { openDepin } from "@cairn/depin";

/** The applications that live in the node beside those of the abci room, by their name in `proxy_app`. */
export const BUILTIN_APPLICATIONS: Readonly<Record<string, OpenBuiltin>> = { depin: openDepin };
