#!/usr/bin/env node
Object.defineProperty(exports, Symbol.toStringTag, { value: "Module" });
let node_fs = require("node:fs");
let node_path = require("node:path");
let node_util = require("node:util");
let __index_js = require("./index.js");
let node_events = require("node:events");
//#region src/cli/arguments.ts
/** A mistake in the arguments: the command also says where its help is. */
var UsageError = class extends Error {};
const UNITS = {
	"": 1,
	k: 1024,
	m: 1024 ** 2,
	g: 1024 ** 3,
	t: 1024 ** 4
};
/** A number of bytes, such as 4096, 0x1000, 64k or 1.5g. */
function size(text, option) {
	const [, digits = "", unit = ""] = /^(0x[0-9a-f]+|\d+(?:\.\d+)?)([kmgt]?)(?:i?b)?$/i.exec(text) ?? [];
	const bytes = Number(digits) * (UNITS[unit.toLowerCase()] ?? NaN);
	if (digits === "" || !Number.isSafeInteger(bytes)) throw new UsageError(`${option} is a number of bytes, such as 4096, 0x1000 or 64k, and not "${text}"`);
	return bytes;
}
function optionalSize(text, option) {
	return text === void 0 ? void 0 : size(text, option);
}
/** The bytes of hexadecimal digits, with or without spaces between them. */
function hexBytes(text, name) {
	const digits = text.replaceAll(/\s/g, "");
	if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new UsageError(`${name} is hexadecimal digits, two for each byte, and not "${text}"`);
	return Buffer.from(digits, "hex");
}
/** The arguments that are no options, of which there must be one for each name. */
function positionals(given, names) {
	const [missing] = names.slice(given.length);
	if (missing !== void 0) throw new UsageError(`${missing} is missing`);
	const [extra] = given.slice(names.length);
	if (extra !== void 0) throw new UsageError(`"${extra}" is one argument too many`);
	return given;
}
/** A number of bytes for people: "1.5 GiB". */
function inUnits(bytes) {
	const units = [
		"bytes",
		"KiB",
		"MiB",
		"GiB",
		"TiB"
	];
	let [value, index] = [bytes, 0];
	while (value >= 1024 && index < units.length - 1) {
		value /= 1024;
		index += 1;
	}
	const digits = index === 0 || value >= 100 || Number.isInteger(value) ? 0 : 1;
	return `${value.toFixed(digits)} ${units[index]}`;
}
//#endregion
//#region src/cli/output.ts
const PIECE$2 = 64 * 1024;
/** The standard output. */
var Output = class {
	#text = "";
	#pieces = [];
	#waiting = 0;
	#isClosed = false;
	constructor() {
		process.stdout.on("error", () => {
			this.#isClosed = true;
		});
	}
	/** Whether nobody reads any more. */
	get isClosed() {
		return this.#isClosed;
	}
	/** The columns of the terminal, or as many as terminals commonly have. */
	get width() {
		return process.stdout.columns || 80;
	}
	/** Prints text, or bytes that nobody changes any more. */
	async write(what) {
		if (typeof what === "string") this.#text += what;
		else {
			this.#endText();
			this.#pieces.push(what);
		}
		this.#waiting += what.length;
		if (this.#waiting >= PIECE$2) await this.flush();
	}
	#endText() {
		if (this.#text !== "") this.#pieces.push(Buffer.from(this.#text));
		this.#text = "";
	}
	/** Waits until the reader has taken what was written. Throws if there is no reader any more. */
	async flush() {
		this.#endText();
		const piece = Buffer.concat(this.#pieces);
		this.#pieces = [];
		this.#waiting = 0;
		if (piece.length > 0 && !process.stdout.write(piece)) await (0, node_events.once)(process.stdout, "drain");
		await new Promise((resolve) => setImmediate(resolve));
		if (this.#isClosed) throw new Error("the reader of the output has ended");
	}
};
/** What --color says. By default colours are for a terminal, unless NO_COLOR is set. */
function colours(when) {
	if (when === "always" || when === "never") return when === "always";
	if (when !== "auto") throw new UsageError(`--color is always, never or auto, and not "${when}"`);
	return process.stdout.isTTY === true && !process.env.NO_COLOR && process.env.TERM !== "dumb";
}
/** Bytes in a colour. */
function paint(colour, bytes) {
	return Buffer.concat([
		Buffer.from(colour),
		bytes,
		Buffer.from(RESET)
	]);
}
const DIM = "\x1B[2m";
const RED = "\x1B[31m";
const GREEN = "\x1B[32m";
const RESET = "\x1B[0m";
/** A line on the terminal that shows how far work is. Without a terminal it prints nothing. */
var ProgressBar = class {
	#label;
	constructor(label) {
		this.#label = label;
	}
	show = ({ done, total }) => {
		if (process.stderr.isTTY !== true || total === 0) return;
		const part = done / total;
		const cells = Math.max(Math.min((process.stderr.columns || 80) - this.#label.length - 12, 40), 0);
		const full = Math.round(part * cells);
		const percent = String(Math.floor(part * 100)).padStart(3);
		process.stderr.write(`\r${this.#label} [${"#".repeat(full)}${".".repeat(cells - full)}] ${percent} %`);
	};
	clear() {
		if (process.stderr.isTTY === true) process.stderr.write("\r\x1B[K");
	}
};
//#endregion
//#region src/cli/grep.ts
const GREP_HELP = `Usage: memmap grep [OPTION]... PATTERN FILE...

Prints the lines that PATTERN matches, a regular expression of JavaScript. It is searched for in
linear time, so look-around and references to groups are refused.

  -i, --ignore-case    ignores case
  -F, --fixed-strings  PATTERN is text
  -c, --count          prints how many lines match
  -n, --line-number    prints the numbers of lines, from 1
  -o, --only-matching  prints the matches, each on a line
      --color WHEN     always, never, or auto (on a terminal, unless NO_COLOR is set)
      --json           prints an object for each line
  -h, --help           prints this

Exit code: 0 if a line matches, 1 if none does, 2 for an error.
`;
async function grep(args, output) {
	const { values, positionals } = (0, node_util.parseArgs)({
		args,
		allowPositionals: true,
		options: {
			"ignore-case": {
				type: "boolean",
				short: "i",
				default: false
			},
			"fixed-strings": {
				type: "boolean",
				short: "F",
				default: false
			},
			count: {
				type: "boolean",
				short: "c",
				default: false
			},
			"line-number": {
				type: "boolean",
				short: "n",
				default: false
			},
			"only-matching": {
				type: "boolean",
				short: "o",
				default: false
			},
			color: {
				type: "string",
				default: "auto"
			},
			json: {
				type: "boolean",
				default: false
			}
		}
	});
	const [pattern, ...files] = positionals;
	if (pattern === void 0) throw new UsageError("PATTERN is missing");
	if (files.length === 0) throw new UsageError("FILE is missing");
	const request = {
		re: regExp(values["fixed-strings"] ? escaped(pattern) : pattern, values["ignore-case"]),
		count: values.count,
		numbers: values["line-number"],
		only: values["only-matching"],
		json: values.json,
		inColour: colours(values.color),
		named: files.length > 1
	};
	let found = 0;
	let failed = false;
	for (const file of files) try {
		found += await inFile(file, request, output);
	} catch (error) {
		if (output.isClosed || error.code === "ERR_MMAP_REGEXP") throw error;
		process.stderr.write(`memmap: ${error instanceof Error ? error.message : String(error)}\n`);
		failed = true;
	}
	if (failed) return 2;
	return found > 0 ? 0 : 1;
}
/** Characters are those of UTF-8, unless PATTERN has an escape that the flag `u` refuses. */
function regExp(pattern, ignoreCase) {
	const flags = ignoreCase ? "im" : "m";
	try {
		return new RegExp(pattern, `${flags}u`);
	} catch {}
	try {
		return new RegExp(pattern, flags);
	} catch (error) {
		throw new UsageError(error.message);
	}
}
function escaped(text) {
	return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
/** How many lines match. */
async function inFile(file, request, output) {
	const mm = (0, __index_js.mmap)(file, {
		access: __index_js.ACCESS_READ,
		allowEmpty: true
	});
	try {
		const { count, numbers, only, json, inColour, named } = request;
		const prefix = named ? `${file}:` : "";
		if (count) {
			const lines = countLines(mm, request.re);
			await output.write(json ? `${JSON.stringify({
				file,
				count: lines
			})}\n` : `${prefix}${lines}\n`);
			return lines;
		}
		if (numbers || only || json || inColour) return await placedLines(mm, file, request, output);
		let lines = 0;
		for (const line of mm.lines({ matching: request.re })) {
			lines += 1;
			if (named) await output.write(prefix);
			await output.write(Buffer.from(line));
			await output.write("\n");
		}
		return lines;
	} finally {
		mm.unmap();
	}
}
function countLines(mm, re) {
	let lines = 0;
	for (const _ of mm.lines({ matching: re })) lines += 1;
	return lines;
}
/** Prints lines with what is asked for about their places. */
async function placedLines(mm, file, request, output) {
	const { re, numbers, only, json, inColour, named } = request;
	let lines = 0;
	for (const { number, start, stop, matches: all } of matchingLines(mm, re)) {
		lines += 1;
		const matches = all.filter(([from, to]) => to > from);
		if (json) {
			const text = mm.toString("utf8", start, stop);
			await output.write(`${JSON.stringify({
				file,
				line: number,
				offset: start,
				text,
				matches
			})}\n`);
			continue;
		}
		const prefix = `${named ? `${file}:` : ""}${numbers ? `${number}:` : ""}`;
		if (only) {
			for (const [from, to] of matches) {
				await output.write(prefix);
				await write(from, to, inColour);
				await output.write("\n");
			}
			continue;
		}
		await output.write(prefix);
		let at = start;
		for (const [from, to] of matches) {
			await write(at, from, false);
			await write(from, to, inColour);
			at = to;
		}
		await write(at, stop, false);
		await output.write("\n");
	}
	return lines;
	async function write(from, to, red) {
		const bytes = mm.slice(from, to);
		await output.write(red ? paint(RED, bytes) : bytes);
	}
}
/** The lines that match, and the matches in them. A match is within one line. */
function* matchingLines(mm, re) {
	const numbers = new LineNumbers(mm);
	/** Where the next line begins that was not looked at yet. */
	let next = 0;
	search: while (next < mm.length) {
		let line;
		for (const { index, end } of mm.matchAll(re, {
			start: next,
			groups: false
		})) {
			if (index === mm.length) break;
			if (line === void 0 || index > line.stop) {
				if (line !== void 0) yield line;
				line = {
					number: numbers.at(index),
					...mm.lineAt(index),
					matches: []
				};
				next = line.stop + 1;
			}
			if (end <= line.stop) {
				line.matches.push([index, end]);
				continue;
			}
			line.matches = matchesIn(mm, re, line);
			if (line.matches.length > 0) yield line;
			continue search;
		}
		if (line !== void 0) yield line;
		return;
	}
}
/** Counts lines up to positions that grow. */
var LineNumbers = class {
	#mm;
	#position = 0;
	#number = 1;
	constructor(mm) {
		this.#mm = mm;
	}
	/** The number of the line that a position is in. */
	at(position) {
		this.#number += this.#mm.count("\n", this.#position, position);
		this.#position = position;
		return this.#number;
	}
};
function matchesIn(mm, re, { start, stop }) {
	return Array.from(mm.matchAll(re, {
		start,
		stop,
		groups: false
	}), ({ index, end }) => [index, end]);
}
//#endregion
//#region \0@oxc-project+runtime@0.127.0/helpers/usingCtx.js
function _usingCtx() {
	var r = "function" == typeof SuppressedError ? SuppressedError : function(r, e) {
		var n = Error();
		return n.name = "SuppressedError", n.error = r, n.suppressed = e, n;
	}, e = {}, n = [];
	function using(r, e) {
		if (null != e) {
			if (Object(e) !== e) throw new TypeError("using declarations can only be used with objects, functions, null, or undefined.");
			if (r) var o = e[Symbol.asyncDispose || Symbol["for"]("Symbol.asyncDispose")];
			if (void 0 === o && (o = e[Symbol.dispose || Symbol["for"]("Symbol.dispose")], r)) var t = o;
			if ("function" != typeof o) throw new TypeError("Object is not disposable.");
			t && (o = function o() {
				try {
					t.call(e);
				} catch (r) {
					return Promise.reject(r);
				}
			}), n.push({
				v: e,
				d: o,
				a: r
			});
		} else r && n.push({
			d: e,
			a: r
		});
		return e;
	}
	return {
		e,
		u: using.bind(null, !1),
		a: using.bind(null, !0),
		d: function d() {
			var o, t = this.e, s = 0;
			function next() {
				for (; o = n.pop();) try {
					if (!o.a && 1 === s) return s = 0, n.push(o), Promise.resolve().then(next);
					if (o.d) {
						var r = o.d.call(o.v);
						if (o.a) return s |= 2, Promise.resolve(r).then(next, err);
					} else s |= 1;
				} catch (r) {
					return err(r);
				}
				if (1 === s) return t !== e ? Promise.reject(t) : Promise.resolve();
				if (t !== e) throw t;
			}
			function err(n) {
				return t = t !== e ? new r(n, t) : n, next();
			}
			return next();
		}
	};
}
//#endregion
//#region src/cli/hexdump.ts
const HEXDUMP_HELP = `Usage: memmap hexdump [OPTION]... FILE

Prints bytes as "hexdump -C" does: position, 16 bytes, and these as text.

  -s, --skip N        begins at byte N: 4096, 0x1000, 64k, 1.5g
  -n, --length N      prints N bytes
  -v, --no-squeezing  prints all rows; otherwise "*" stands for rows like the one before
      --color WHEN    always, never, or auto (on a terminal, unless NO_COLOR is set)
      --json          prints an object for each row: {"offset":0,"hex":"68 69","text":"hi"}
  -h, --help          prints this
`;
const ROW = 16;
const PIECE$1 = 4096 * ROW;
async function hexdump(args, output) {
	try {
		var _usingCtx$3 = _usingCtx();
		const { values, positionals: given } = (0, node_util.parseArgs)({
			args,
			allowPositionals: true,
			options: {
				skip: {
					type: "string",
					short: "s"
				},
				length: {
					type: "string",
					short: "n"
				},
				"no-squeezing": {
					type: "boolean",
					short: "v",
					default: false
				},
				color: {
					type: "string",
					default: "auto"
				},
				json: {
					type: "boolean",
					default: false
				}
			}
		});
		const [file = ""] = positionals(given, ["FILE"]);
		const start = optionalSize(values.skip, "--skip") ?? 0;
		const length = optionalSize(values.length, "--length");
		const inColour = colours(values.color);
		const mm = _usingCtx$3.u((0, __index_js.mmap)(file, {
			access: __index_js.ACCESS_READ,
			allowEmpty: true
		}));
		const stop = Math.min(length === void 0 ? mm.length : start + length, mm.length);
		let last = "";
		let isSqueezing = false;
		for (let piece = start; piece < stop; piece += PIECE$1) {
			const bytes = mm.slice(piece, Math.min(piece + PIECE$1, stop));
			for (let at = 0; at < bytes.length; at += ROW) {
				const row = bytes.subarray(at, at + ROW);
				if (values.json) {
					await output.write(`${JSON.stringify({
						offset: piece + at,
						hex: hexOf(row),
						text: textOf(row)
					})}\n`);
					continue;
				}
				const content = row.toString("latin1");
				const isSame = content === last && row.length === ROW && !values["no-squeezing"];
				if (!isSame) await output.write(rowOf(piece + at, row, inColour));
				else if (!isSqueezing) await output.write("*\n");
				isSqueezing = isSame;
				last = content;
			}
		}
		if (!values.json && stop > start) await output.write(`${address(stop)}\n`);
		return 0;
	} catch (_) {
		_usingCtx$3.e = _;
	} finally {
		_usingCtx$3.d();
	}
}
function rowOf(offset, row, inColour) {
	const hex = [row.subarray(0, 8), row.subarray(8)].map((half) => hexOf(half).padEnd(23)).join("  ");
	const painted = inColour ? hex.replaceAll(/\b00( 00)*\b/g, (zeros) => `${DIM}${zeros}${RESET}`) : hex;
	return `${inColour ? `${DIM}${address(offset)}${RESET}` : address(offset)}  ${painted}  |${textOf(row)}|\n`;
}
function address(offset) {
	return offset.toString(16).padStart(8, "0");
}
function hexOf(bytes) {
	return bytes.toString("hex").replaceAll(/..(?=.)/g, "$& ");
}
/** Printable ASCII, and a dot for every other byte. */
function textOf(bytes) {
	return bytes.toString("latin1").replaceAll(/[^ -~]/g, ".");
}
//#endregion
//#region src/cli/replace.ts
const REPLACE_HELP = `Usage: memmap replace [OPTION]... OLD NEW FILE

Replaces each OLD in the file by NEW, in place. Both must have the same length in bytes.
Ctrl-C stops, and says how many were replaced by then.

  -n, --dry-run     only counts
  -x, --hex         OLD and NEW are hexadecimal digits, such as "0d 0a"
      --start N     begins at byte N: 4096, 0x1000, 64k, 1.5g
      --stop N      ends before byte N
      --json        prints an object
  -h, --help        prints this

Exit code: 0 if OLD was found, 1 if not, 2 for an error, 130 after Ctrl-C.
`;
const STOPPED = 130;
async function replace(args, output) {
	try {
		var _usingCtx$2 = _usingCtx();
		const { values, positionals: given } = (0, node_util.parseArgs)({
			args,
			allowPositionals: true,
			options: {
				"dry-run": {
					type: "boolean",
					short: "n",
					default: false
				},
				hex: {
					type: "boolean",
					short: "x",
					default: false
				},
				start: { type: "string" },
				stop: { type: "string" },
				json: {
					type: "boolean",
					default: false
				}
			}
		});
		const [old = "", replacement = "", file = ""] = positionals(given, [
			"OLD",
			"NEW",
			"FILE"
		]);
		const from = values.hex ? hexBytes(old, "OLD") : old;
		const to = values.hex ? hexBytes(replacement, "NEW") : replacement;
		const start = optionalSize(values.start, "--start") ?? 0;
		const stop = optionalSize(values.stop, "--stop");
		refuseUnequal(from, to);
		const dryRun = values["dry-run"];
		const abort = new AbortController();
		const interrupt = () => abort.abort();
		process.once("SIGINT", interrupt);
		const mm = _usingCtx$2.u((0, __index_js.mmap)(file, {
			access: dryRun ? __index_js.ACCESS_READ : __index_js.ACCESS_WRITE,
			allowEmpty: true
		}));
		const { count, stopped } = await replaced(mm, from, to, {
			start,
			stop: stop ?? mm.length,
			dryRun,
			signal: abort.signal
		});
		process.off("SIGINT", interrupt);
		if (values.json) await output.write(`${JSON.stringify({
			file,
			count,
			dryRun,
			stopped
		})}\n`);
		else await output.write(`${sentence(count, file, dryRun, stopped)}\n`);
		if (stopped) return STOPPED;
		return count > 0 ? 0 : 1;
	} catch (_) {
		_usingCtx$2.e = _;
	} finally {
		_usingCtx$2.d();
	}
}
function refuseUnequal(from, to) {
	const [has, wanted] = [Buffer.byteLength(to), Buffer.byteLength(from)];
	if (wanted === 0) throw new UsageError("OLD is empty");
	if (has !== wanted) throw new UsageError(`OLD and NEW have ${wanted} and ${has} bytes: they must have the same length`);
}
/** How many were replaced, or found, and whether Ctrl-C stopped it. */
async function replaced(mm, from, to, { dryRun, ...range }) {
	const bar = new ProgressBar(dryRun ? "counting" : "replacing");
	const options = {
		...range,
		onProgress: bar.show
	};
	try {
		return {
			count: await (dryRun ? mm.countAsync(from, options) : mm.replaceAllAsync(from, to, options)),
			stopped: false
		};
	} catch (error) {
		const { code, replaced = 0 } = error;
		if (code !== "ABORT_ERR") throw error;
		return {
			count: replaced,
			stopped: true
		};
	} finally {
		bar.clear();
	}
}
function sentence(count, file, dryRun, stopped) {
	const found = `${count} ${dryRun ? "found" : "replaced"} in ${file}`;
	if (stopped) return dryRun ? `stopped before all of ${file} was read` : `stopped: ${found} so far`;
	return dryRun ? `${found}; nothing was changed` : found;
}
//#endregion
//#region src/cli/resident.ts
const RESIDENT_HELP = `Usage: memmap resident [OPTION]... FILE

Shows which parts of a file are in memory: in the page cache, or on Windows in the working set.

      --load        first reads all of the file into memory
      --evict       first removes it from memory (Linux 5.4 and newer). A page stays if another
                    process has mapped it
      --color WHEN  always, never, or auto (on a terminal, unless NO_COLOR is set)
      --json        prints an object
  -h, --help        prints this
`;
const ROWS = 16;
/** From none to all pages of a cell. */
const SHADES = [
	"·",
	"░",
	"▒",
	"▓",
	"█"
];
const NONE = "·";
const PIECE = 8 * 1024 * 1024;
async function resident(args, output) {
	try {
		var _usingCtx$1 = _usingCtx();
		const { values, positionals: given } = (0, node_util.parseArgs)({
			args,
			allowPositionals: true,
			options: {
				load: {
					type: "boolean",
					default: false
				},
				evict: {
					type: "boolean",
					default: false
				},
				color: {
					type: "string",
					default: "auto"
				},
				json: {
					type: "boolean",
					default: false
				}
			}
		});
		const [file = ""] = positionals(given, ["FILE"]);
		const inColour = colours(values.color);
		const mm = _usingCtx$1.u((0, __index_js.mmap)(file, {
			access: __index_js.ACCESS_READ,
			allowEmpty: true
		}));
		if (values.evict) await evict(mm, file);
		if (values.load) await load(mm);
		const { resident, total } = mm.resident();
		if (values.json) {
			const object = {
				file,
				length: mm.length,
				pageSize: __index_js.PAGESIZE,
				resident,
				total,
				ranges: ranges(mm)
			};
			await output.write(`${JSON.stringify(object)}\n`);
			return 0;
		}
		const percent = total === 0 ? "0" : (resident / total * 100).toFixed(resident === total ? 0 : 1);
		await output.write(`${file}: ${resident} of ${total} pages in memory (${percent} %), ${inUnits(mm.length)}\n`);
		if (total > 0) await output.write(picture(mm, total, output.width, inColour));
		return 0;
	} catch (_) {
		_usingCtx$1.e = _;
	} finally {
		_usingCtx$1.d();
	}
}
async function load(mm) {
	const bar = new ProgressBar("loading");
	try {
		await mm.prefetch({ onProgress: bar.show });
		if (process.platform === "win32") await mm.countAsync("\n");
	} finally {
		bar.clear();
	}
}
async function evict(mm, file) {
	if (__index_js.MADV_PAGEOUT === void 0) throw new Error("--evict needs Linux 5.4 or newer");
	const fd = (0, node_fs.openSync)(file, "r");
	try {
		(0, node_fs.fsyncSync)(fd);
	} finally {
		(0, node_fs.closeSync)(fd);
	}
	const bar = new ProgressBar("evicting");
	for (let start = 0; start < mm.length; start += PIECE) {
		const stop = Math.min(start + PIECE, mm.length);
		if (mm.resident(start, stop).resident > 0) {
			await mm.prefetch(start, stop);
			mm.madvise(__index_js.MADV_PAGEOUT, start, stop - start);
		}
		bar.show({
			done: stop,
			total: mm.length
		});
	}
	bar.clear();
}
/** The ranges of bytes that are in memory. */
function ranges(mm) {
	const found = [];
	for (const page of residentPages(mm, 0, mm.length)) {
		const last = found.at(-1);
		const stop = Math.min(page + __index_js.PAGESIZE, mm.length);
		if (last?.[1] === page) last[1] = stop;
		else found.push([page, stop]);
	}
	return found;
}
/** The pages of a range that are in memory. Halves a range until it is all or nothing. */
function* residentPages(mm, start, stop) {
	const { resident, total } = mm.resident(start, stop);
	if (resident === 0) return;
	if (resident === total) {
		for (let page = start; page < stop; page += __index_js.PAGESIZE) yield page;
		return;
	}
	const middle = start + Math.ceil((stop - start) / __index_js.PAGESIZE / 2) * __index_js.PAGESIZE;
	yield* residentPages(mm, start, middle);
	yield* residentPages(mm, middle, stop);
}
/** A cell for each so many pages, in at most ROWS rows. */
function picture(mm, total, width, inColour) {
	const columns = Math.max(Math.min(width - 12, 64), 16);
	const step = Math.ceil(total / (columns * ROWS)) * __index_js.PAGESIZE;
	const row = columns * step;
	let text = `█ in memory, ░▒▓ in part, ${NONE} not; one cell is ${inUnits(step)}\n`;
	for (let start = 0; start < mm.length; start += row) {
		let cells = "";
		for (let at = start; at < Math.min(start + row, mm.length); at += step) cells += cell(mm.resident(at, at + step), inColour);
		text += `${inUnits(start).padStart(10)} ${cells}\n`;
	}
	return text;
}
function cell({ resident, total }, inColour) {
	const last = SHADES.length - 1;
	const share = resident === total ? last : Math.min(Math.ceil(resident / total * last), last - 1);
	const shade = SHADES[share] ?? NONE;
	if (!inColour) return shade;
	return `${share === 0 ? DIM : GREEN}${shade}${RESET}`;
}
//#endregion
//#region src/cli/cli.ts
/** Exit codes are those of grep. */
const FOUND = 0;
const NOT_FOUND = 1;
const FAILED = 2;
const COMMANDS = new Map([
	["grep", {
		help: GREP_HELP,
		run: grep
	}],
	["replace", {
		help: REPLACE_HELP,
		run: replace
	}],
	["resident", {
		help: RESIDENT_HELP,
		run: resident
	}],
	["hexdump", {
		help: HEXDUMP_HELP,
		run: hexdump
	}]
]);
const HELP = `Usage: memmap COMMAND [OPTION]... FILE

Commands:
  grep PATTERN FILE...   prints the lines that a regular expression matches
  replace OLD NEW FILE   replaces bytes in place; OLD and NEW have the same length
  resident FILE          shows which parts of a file are in memory
  hexdump FILE           prints bytes as "hexdump -C" does

memmap COMMAND --help has the options.
Exit code: 0 if something was found or done, 1 if nothing was found, 2 for an error.
`;
async function main(args) {
	const output = new Output();
	const [name, ...rest] = args;
	try {
		const code = await dispatch(name, rest, output);
		await output.flush();
		return code;
	} catch (error) {
		if (output.isClosed) return 0;
		process.stderr.write(`memmap: ${error instanceof Error ? error.message : String(error)}\n`);
		if (isUsageError(error)) {
			const known = name !== void 0 && COMMANDS.has(name);
			process.stderr.write(`Try "memmap ${known ? `${name} ` : ""}--help".\n`);
		}
		return 2;
	}
}
async function dispatch(name, rest, output) {
	if (name === "--version" || name === "-V") {
		await output.write(`${version()}\n`);
		return 0;
	}
	if (name === void 0 || name === "--help" || name === "-h" || name === "help") {
		const about = name === "help" && rest[0] !== void 0 ? commandOf(rest[0]).help : HELP;
		if (name === void 0) throw new UsageError("no command is given");
		await output.write(about);
		return 0;
	}
	const command = commandOf(name);
	if (asksForHelp(rest)) {
		await output.write(command.help);
		return 0;
	}
	return command.run(rest, output);
}
function commandOf(name) {
	const command = COMMANDS.get(name);
	if (command === void 0) throw new UsageError(`there is no command "${name}"`);
	return command;
}
/** What follows `--` are no options. */
function asksForHelp(args) {
	const end = args.indexOf("--");
	const options = end === -1 ? args : args.slice(0, end);
	return options.includes("--help") || options.includes("-h");
}
function isUsageError(error) {
	return error instanceof UsageError || String(error.code).startsWith("ERR_PARSE_ARGS");
}
function version() {
	return JSON.parse((0, node_fs.readFileSync)((0, node_path.join)(__dirname, "package.json"), "utf8")).version;
}
main(process.argv.slice(2)).then((code) => {
	process.exitCode = code;
});
//#endregion
exports.FAILED = FAILED;
exports.FOUND = FOUND;
exports.NOT_FOUND = NOT_FOUND;
