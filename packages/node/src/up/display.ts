import type { Notice, UpModel } from "./model.ts";
import { statusLine } from "./plain-lines.ts";
import { Screen, type Terminal, withColors } from "./screen.ts";
import { renderView, withoutColors } from "./view.ts";

/** Where people see what happens. */
export interface Display {
	/** What it shows is gone once it is closed. */
	readonly isLive: boolean;
	/** How things stand now; called a few times a second. */
	show(model: UpModel): void;
	/** Something happened. */
	notice(notice: Notice): void;
	/** Gives the terminal back; what is printed from now on stays. */
	close(): void;
}

/** Prints whole lines. */
export type Print = (text: string) => void;

/** How often a line is printed where nothing else happens. */
const QUIET_MS = 5_000;
/** Lines come at most this often. */
const BUSY_MS = 1_000;

/** A notice in whole lines, what is bad marked so that nobody passes over it. */
export function noticeText({ time, level, text, details }: Notice): string {
	const quoted = details.map((line) => `    ${line}\n`).join("");
	return `${level === "bad" ? "!!! " : ""}${time} ${text}\n${quoted}`;
}

/** For logs and pipes: a line for new blocks, at most one a second, and one now and then without any. */
export class PlainDisplay implements Display {
	readonly isLive = false;
	readonly #print: Print;
	#height = -1;
	#at = Number.NEGATIVE_INFINITY;

	constructor(print: Print) {
		this.#print = print;
	}

	show(model: UpModel): void {
		if (model.phase === "starting") return;
		const since = model.runningMs - this.#at;
		if (since < BUSY_MS || (model.height === this.#height && since < QUIET_MS)) return;
		this.#height = model.height;
		this.#at = model.runningMs;
		this.#print(`${statusLine(model)}\n`);
	}

	notice(notice: Notice): void {
		this.#print(noticeText(notice));
	}

	close(): void {}
}

/** The live view on a terminal. */
export class LiveDisplay implements Display {
	readonly isLive = true;
	readonly #screen: Screen;
	readonly #paint: typeof withColors;
	#last: UpModel | null = null;

	constructor(terminal: Terminal, colors: boolean) {
		this.#screen = new Screen(terminal);
		this.#paint = colors ? withColors : withoutColors;
		this.#screen.open();
	}

	show(model: UpModel): void {
		this.#last = model;
		this.redraw();
	}

	/** Draws the last picture again, for a terminal whose size has changed. */
	redraw(): void {
		const model = this.#last;
		if (model !== null) this.#screen.draw((width) => renderView(model, width, this.#paint));
	}

	/** Notices are part of the picture. */
	notice(): void {}

	close(): void {
		this.#screen.close();
	}
}
