Object.defineProperty(exports, Symbol.toStringTag, { value: "Module" });
let node_buffer = require("node:buffer");
let node_util_types = require("node:util/types");
let node_util = require("node:util");
let node_fs = require("node:fs");
let node_path = require("node:path");
let node_url = require("node:url");
let node_events = require("node:events");
let node_timers = require("node:timers");
let node_perf_hooks = require("node:perf_hooks");
//#region src/errors.ts
function withCode(error, code) {
	return Object.assign(error, { code });
}
function received(value) {
	if (value === null || value === void 0) return `Received ${value}`;
	if (typeof value === "object" || typeof value === "function") {
		const what = typeof value === "function" ? "function" : "an instance of";
		try {
			const name = typeof value === "function" ? value.name : value.constructor?.name;
			if (typeof name === "string" && name !== "") return `Received ${what} ${name}`;
		} catch {}
		return typeof value === "function" ? "Received a function" : "Received an object";
	}
	const text = (0, node_util.inspect)(value);
	return `Received type ${typeof value} (${text.length > 28 ? `${text.slice(0, 25)}...` : text})`;
}
function wrongType(name, expected, value) {
	return withCode(/* @__PURE__ */ new TypeError(`The "${name}" argument must be ${expected}. ${received(value)}`), "ERR_INVALID_ARG_TYPE");
}
function noPrimitive(hint) {
	const message = `An Mmap cannot be converted to a ${hint === "string" || hint === "number" ? hint : "string or number"}: use toString() for its text, bytes for a view of it, slice() for a copy, or stream() for a body`;
	return withCode(new TypeError(message), "ERR_INVALID_ARG_TYPE");
}
function invalidLock() {
	return withCode(/* @__PURE__ */ new TypeError("Value of \"this\" must be a RangeLock"), "ERR_INVALID_THIS");
}
function invalidThis(name = "Mmap") {
	const message = `Value of "this" must be an ${name}. If it is a Proxy of one, call the ${name} itself: mark it as raw (markRaw), or keep it beside the object that is proxied. A method that is taken from an ${name} must be bound to it`;
	return withCode(new TypeError(message), "ERR_INVALID_THIS");
}
function wrongValue(message) {
	return withCode(new TypeError(message), "ERR_INVALID_ARG_VALUE");
}
function outOfRange(what, name, allowed, value) {
	const text = typeof value === "bigint" ? `${value}n` : String(value);
	return withCode(/* @__PURE__ */ new RangeError(`${what}: "${name}" must be ${allowed}. Received ${text}`), "ERR_OUT_OF_RANGE");
}
function noBinding(message, cause) {
	return withCode(new Error(message, cause === void 0 ? void 0 : { cause }), "ERR_MMAP_BINDING");
}
function accessDenied(permission, flag, resource) {
	const error = /* @__PURE__ */ new Error(`Access to this API has been restricted. Use ${flag} to manage permissions.`);
	return Object.assign(withCode(error, "ERR_ACCESS_DENIED"), {
		permission,
		resource
	});
}
function closed() {
	return withCode(/* @__PURE__ */ new Error("mmap closed or invalid"), "ERR_MMAP_CLOSED");
}
function changed(start, end) {
	const message = `The bytes from ${start} to ${end} are no match any more, because they have changed since the search, so they have no groups: ask for groups in the loop over the matches, before the bytes change`;
	return withCode(new Error(message), "ERR_MMAP_CHANGED");
}
function readOnly() {
	return withCode(/* @__PURE__ */ new TypeError("mmap can't modify a readonly memory map."), "ERR_MMAP_READONLY");
}
function unsupported(message) {
	return withCode(new Error(message), "ERR_MMAP_UNSUPPORTED");
}
const LONGEST_SHOWN_PATTERN = 80;
function notSearchable(source, flags, construct, position, reason) {
	return refusedPattern(source, flags, `its ${construct} at ${position} ${reason}`, position);
}
function refusedPattern(source, flags, why, position = 0) {
	const shown = source.length <= LONGEST_SHOWN_PATTERN ? `/${source}/${flags}` : `/${source.slice(0, LONGEST_SHOWN_PATTERN)}.../${flags}`;
	const error = withCode(/* @__PURE__ */ new Error(`The "re" argument is ${shown}, and ${why}`), "ERR_MMAP_REGEXP");
	return Object.assign(error, { position });
}
function noView() {
	return withCode(/* @__PURE__ */ new Error("This runtime has neither SharedArrayBuffer nor WebAssembly, so it cannot make a view of this mapping. All other methods work"), "ERR_MMAP_NO_VIEW");
}
function viewTooLarge(length, limit) {
	const message = `The view needs a buffer of ${length} bytes, and the longest on this runtime is MAX_VIEW_LENGTH, ${limit}: use view(type, byteOffset, length) for a part of it`;
	return withCode(new RangeError(message), "ERR_MMAP_VIEW_TOO_LARGE");
}
function sharedTooLarge(length, grows) {
	const message = `This runtime has no room for a SharedArrayBuffer of ${length} bytes: ${grows ? "ask for a smaller \"sharedArrayBuffer.maxByteLength\"" : "map less, or use view(type, byteOffset, length) without \"sharedArrayBuffer\""}`;
	return withCode(new RangeError(message), "ERR_MMAP_VIEW_TOO_LARGE");
}
function copyTooLong(length, limit) {
	const message = `The copy would have ${length} bytes, and ${limit === void 0 ? "there is no memory for that" : `the longest Buffer on this runtime has ${limit}`}: copy less at a time, or use view(type, byteOffset, length)`;
	return withCode(new RangeError(message), "ERR_OUT_OF_RANGE");
}
function textTooLong(length, limit) {
	const message = `The text of ${length} bytes would be longer than the longest string on this runtime, ${limit} characters: take the text of less at a time with toString(encoding, start, stop) or lines({ encoding }), or the bytes with stream()`;
	return withCode(new RangeError(message), "ERR_OUT_OF_RANGE");
}
function codeOf(error) {
	return (0, node_util_types.isNativeError)(error) && "code" in error ? error.code : void 0;
}
function hasCode(error, code) {
	return codeOf(error) === code;
}
function isShortage(error) {
	return [
		"ENOMEM",
		"EMFILE",
		"ENFILE"
	].some((code) => hasCode(error, code));
}
function isFault(error) {
	return hasCode(error, "ERR_MMAP_FAULT");
}
function isNoView(error) {
	return hasCode(error, "ERR_MMAP_NO_VIEW");
}
function isAborted(error) {
	return hasCode(error, "ABORT_ERR");
}
function aborted(reason, { replaced } = {}) {
	const error = withCode(new Error("The operation was aborted", { cause: reason }), "ABORT_ERR");
	error.name = "AbortError";
	return replaced === void 0 ? error : Object.assign(error, { replaced });
}
function withReplaced(error, replaced) {
	return codeOf(error) === void 0 ? error : Object.assign(error, { replaced });
}
function withPath(error, path) {
	if (path === void 0 || !(0, node_util_types.isNativeError)(error) || !("code" in error)) return error;
	const shown = path.length <= LONGEST_SHOWN_PATH ? path : `${path.slice(0, LONGEST_SHOWN_PATH)}...`;
	addText(Object.assign(error, { path }), "syscall" in error ? ` '${shown}'` : `: '${shown}'`, withPath);
	return error;
}
const LONGEST_SHOWN_PATH = 64 * 1024;
function withLengthHint(error) {
	if (hasCode(error, "EINVAL")) addText(error, ": \"length\" must be at least 1 for new anonymous memory", withLengthHint);
	return error;
}
function addText(error, text, caller) {
	error.message += text;
	Error.captureStackTrace(error, caller);
}
//#endregion
//#region src/loader.ts
const PLATFORMS = [
	"linux-x64-gnu",
	"linux-arm64-gnu",
	"linux-x64-musl",
	"linux-arm64-musl",
	"darwin-x64",
	"darwin-arm64",
	"win32-x64-msvc",
	"win32-arm64-msvc"
];
function fittingPlatforms() {
	const fitting = PLATFORMS.filter((name) => `${name}-`.startsWith(`${process.platform}-${process.arch}-`));
	const libc = process.platform === "linux" ? cLibrary() : void 0;
	return libc === void 0 ? fitting : fitting.filter((name) => name.endsWith(libc));
}
function loadLibrary(platforms, attempts) {
	const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
	if (override) {
		const path = (0, node_path.resolve)(override);
		return attempt(requireFrom(path), path, attempts);
	}
	const besideProgram = isSingleExecutable() ? requireFrom(process.execPath) : void 0;
	for (const platform of platforms) {
		const binding = besideProgram === void 0 ? requirePackage(platform, attempts) ?? requireFile(platform, attempts) : attempt(besideProgram, packageName(platform), attempts) ?? attempt(besideProgram, fileName(platform), attempts);
		if (binding !== void 0) return binding;
	}
}
function isSingleExecutable() {
	return (process.getBuiltinModule?.("node:sea"))?.isSea?.() === true;
}
const packageName = (platform) => `@memmap/binding-${platform}`;
const fileName = (platform) => `./memmap.${platform}.node`;
function requireFrom(path) {
	const { createRequire } = require("node:module");
	return createRequire(path);
}
function attempt(require, what, attempts) {
	try {
		return require(what);
	} catch (error) {
		attempts.push({
			what,
			error
		});
		return;
	}
}
function requirePackage(platform, attempts) {
	try {
		switch (platform) {
			case "linux-x64-gnu": return require("@memmap/binding-linux-x64-gnu");
			case "linux-arm64-gnu": return require("@memmap/binding-linux-arm64-gnu");
			case "linux-x64-musl": return require("@memmap/binding-linux-x64-musl");
			case "linux-arm64-musl": return require("@memmap/binding-linux-arm64-musl");
			case "darwin-x64": return require("@memmap/binding-darwin-x64");
			case "darwin-arm64": return require("@memmap/binding-darwin-arm64");
			case "win32-x64-msvc": return require("@memmap/binding-win32-x64-msvc");
			case "win32-arm64-msvc": return require("@memmap/binding-win32-arm64-msvc");
		}
	} catch (error) {
		attempts.push({
			what: packageName(platform),
			error
		});
	}
}
function requireFile(platform, attempts) {
	try {
		switch (platform) {
			case "linux-x64-gnu": return require("./memmap.linux-x64-gnu.node");
			case "linux-arm64-gnu": return require("./memmap.linux-arm64-gnu.node");
			case "linux-x64-musl": return require("./memmap.linux-x64-musl.node");
			case "linux-arm64-musl": return require("./memmap.linux-arm64-musl.node");
			case "darwin-x64": return require("./memmap.darwin-x64.node");
			case "darwin-arm64": return require("./memmap.darwin-arm64.node");
			case "win32-x64-msvc": return require("./memmap.win32-x64-msvc.node");
			case "win32-arm64-msvc": return require("./memmap.win32-arm64-msvc.node");
		}
	} catch (error) {
		attempts.push({
			what: fileName(platform),
			error
		});
	}
}
const ELF = 2135247942;
const BITS_64_LITTLE_ENDIAN = 513;
const PT_INTERP = 3;
const MOST_BYTES = 4096;
function cLibrary() {
	const linker = dynamicLinker();
	if (linker?.includes("ld-musl")) return "-musl";
	return linker?.includes("ld-linux") ? "-gnu" : void 0;
}
function dynamicLinker() {
	try {
		const file = (0, node_fs.openSync)(process.execPath, "r");
		try {
			return dynamicLinkerOf(file);
		} finally {
			(0, node_fs.closeSync)(file);
		}
	} catch {
		return;
	}
}
function dynamicLinkerOf(file) {
	const head = readAt(file, 0, MOST_BYTES);
	if (head.getUint32(0) !== ELF || head.getUint16(4) !== BITS_64_LITTLE_ENDIAN) return void 0;
	const part = (offset, length) => offset + length <= head.byteLength ? new DataView(head.buffer, offset, length) : readAt(file, offset, length);
	const size = head.getUint16(54, true);
	const segments = part(Number(head.getBigUint64(32, true)), size * head.getUint16(56, true));
	for (let at = 0; at < segments.byteLength; at += size) {
		if (segments.getUint32(at, true) !== PT_INTERP) continue;
		const name = part(Number(segments.getBigUint64(at + 8, true)), Number(segments.getBigUint64(at + 32, true)));
		return String.fromCharCode(...new Uint8Array(name.buffer, name.byteOffset, name.byteLength));
	}
	return process.execPath;
}
function readAt(file, position, length) {
	const bytes = new Uint8Array(Math.min(length, MOST_BYTES));
	return new DataView(bytes.buffer, 0, (0, node_fs.readSync)(file, bytes, 0, bytes.length, position));
}
//#endregion
//#region src/binding.ts
const OLDEST_NODE = 20;
const OPTIONAL = "Was it installed without optional dependencies (--omit=optional, --no-optional)? Install with them: npm install --include=optional";
const COPIED = "Was node_modules copied from another system, or the lock file written there? Remove both, and run npm install on this one.";
const BUNDLED = "Is the program bundled or packed? Leave memmap out (external: memmap), and keep node_modules/memmap and node_modules/@memmap beside it, not in an archive.";
const GLIBC = "Is glibc older than 2.17, or is it not there? \"ldd --version\" says which one this system has.";
function load() {
	if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) throw noBinding(`memmap needs Node ${OLDEST_NODE} or newer, and this is ${process.version}`);
	const attempts = [];
	const platforms = fittingPlatforms();
	try {
		const loaded = loadLibrary(platforms, attempts);
		if (loaded !== void 0) return loaded;
	} catch (error) {
		throw noBinding(`memmap cannot be loaded: ${messageOf(error)}`, error);
	}
	const errors = attempts.map(({ error }) => error);
	const cause = errors.length > 1 ? new AggregateError(errors, "None of the files and packages could be loaded") : errors[0];
	throw noBinding(explanation(platforms, attempts), cause);
}
function explanation(platforms, attempts) {
	const disabled = attempts.find(({ error }) => codeOf(error) === "ERR_DLOPEN_DISABLED");
	if (disabled !== void 0) return `memmap is an addon, and this process may load none: start it without --no-addons, and with --allow-addons where there is --permission. ${disabled.what}: ${messageOf(disabled.error)}`;
	const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
	if (override) return `NAPI_RS_NATIVE_LIBRARY_PATH is ${override}, and that is not the native library of memmap: ${messageOf(attempts[0]?.error)}`;
	const system = `${process.platform} ${process.arch}`;
	const [platform] = platforms;
	if (platform === void 0) return `memmap has no native library for ${system}. It has one for ${PLATFORMS.join(", ")}. On other systems build it from a clone of the repository.`;
	const expected = `memmap needs the package ${platforms.map(packageName).join(" or ")} on this system, which is ${system}${platforms.length > 1 ? "" : platform.endsWith("-gnu") ? " with glibc" : platform.endsWith("-musl") ? " with musl" : ""}`;
	const tried = `Tried: ${attempts.map(({ what }) => what).join(", ")}.`;
	const refused = attempts.find(({ error }) => !isMissing(error));
	if (refused === void 0) return list(`${expected}, and it is not installed`, [
		OPTIONAL,
		COPIED,
		BUNDLED,
		tried
	]);
	const questions = platforms.some((name) => name.endsWith("-gnu")) ? [
		GLIBC,
		COPIED,
		tried
	] : [COPIED, tried];
	return list(`${expected}, and it cannot be loaded: ${messageOf(refused.error)}`, questions);
}
function isMissing(error) {
	return codeOf(error) === "MODULE_NOT_FOUND";
}
function messageOf(error) {
	return (0, node_util_types.isNativeError)(error) ? error.message : String(error);
}
function list(sentence, questions) {
	return [`${sentence}.`, ...questions].join("\n  - ");
}
const binding = load();
function checked(outcome) {
	if (typeof outcome === "object" && (0, node_util_types.isNativeError)(outcome)) throw outcome;
	return outcome;
}
//#endregion
//#region src/constants.ts
const ACCESS_DEFAULT = 0;
const ACCESS_READ = 1;
const ACCESS_WRITE = 2;
const ACCESS_COPY = 3;
const PAGESIZE = binding.pageSize();
const ALLOCATIONGRANULARITY = binding.allocationGranularity();
const MAX_VIEW_LENGTH = node_buffer.constants.MAX_LENGTH;
const system = binding.constants();
function posix(name) {
	return system[name];
}
const PROT_READ = posix("PROT_READ");
const PROT_WRITE = posix("PROT_WRITE");
const PROT_EXEC = posix("PROT_EXEC");
const MAP_SHARED = posix("MAP_SHARED");
const MAP_PRIVATE = posix("MAP_PRIVATE");
const MAP_ANON = posix("MAP_ANON");
const MAP_ANONYMOUS = posix("MAP_ANONYMOUS");
const MADV_NORMAL = posix("MADV_NORMAL");
const MADV_RANDOM = posix("MADV_RANDOM");
const MADV_SEQUENTIAL = posix("MADV_SEQUENTIAL");
const MADV_WILLNEED = posix("MADV_WILLNEED");
const MADV_DONTNEED = posix("MADV_DONTNEED");
const MS_SYNC = posix("MS_SYNC");
const MS_ASYNC = posix("MS_ASYNC");
const MS_INVALIDATE = posix("MS_INVALIDATE");
const MAP_DENYWRITE = system.MAP_DENYWRITE;
const MAP_EXECUTABLE = system.MAP_EXECUTABLE;
const MAP_NORESERVE = system.MAP_NORESERVE;
const MAP_POPULATE = system.MAP_POPULATE;
const MAP_STACK = system.MAP_STACK;
const MAP_32BIT = system.MAP_32BIT;
const MAP_ALIGNED_SUPER = system.MAP_ALIGNED_SUPER;
const MAP_CONCEAL = system.MAP_CONCEAL;
const MAP_HASSEMAPHORE = system.MAP_HASSEMAPHORE;
const MAP_JIT = system.MAP_JIT;
const MAP_NOCACHE = system.MAP_NOCACHE;
const MAP_NOEXTEND = system.MAP_NOEXTEND;
const MAP_RESILIENT_CODESIGN = system.MAP_RESILIENT_CODESIGN;
const MAP_RESILIENT_MEDIA = system.MAP_RESILIENT_MEDIA;
const MAP_TPRO = system.MAP_TPRO;
const MAP_TRANSLATED_ALLOW_EXECUTE = system.MAP_TRANSLATED_ALLOW_EXECUTE;
const MAP_UNIX03 = system.MAP_UNIX03;
const MADV_FREE = system.MADV_FREE;
const MADV_REMOVE = system.MADV_REMOVE;
const MADV_DONTFORK = system.MADV_DONTFORK;
const MADV_DOFORK = system.MADV_DOFORK;
const MADV_HWPOISON = system.MADV_HWPOISON;
const MADV_MERGEABLE = system.MADV_MERGEABLE;
const MADV_UNMERGEABLE = system.MADV_UNMERGEABLE;
const MADV_SOFT_OFFLINE = system.MADV_SOFT_OFFLINE;
const MADV_HUGEPAGE = system.MADV_HUGEPAGE;
const MADV_NOHUGEPAGE = system.MADV_NOHUGEPAGE;
const MADV_DONTDUMP = system.MADV_DONTDUMP;
const MADV_DODUMP = system.MADV_DODUMP;
const MADV_COLD = system.MADV_COLD;
const MADV_PAGEOUT = system.MADV_PAGEOUT;
const MADV_POPULATE_READ = system.MADV_POPULATE_READ;
const MADV_POPULATE_WRITE = system.MADV_POPULATE_WRITE;
const MADV_NOSYNC = system.MADV_NOSYNC;
const MADV_AUTOSYNC = system.MADV_AUTOSYNC;
const MADV_NOCORE = system.MADV_NOCORE;
const MADV_CORE = system.MADV_CORE;
const MADV_PROTECT = system.MADV_PROTECT;
const MADV_FREE_REUSABLE = system.MADV_FREE_REUSABLE;
const MADV_FREE_REUSE = system.MADV_FREE_REUSE;
//#endregion
//#region src/arguments.ts
const INT32_MAX = 2 ** 31 - 1;
const HAS_SYSTEM_CONSTANTS = MAP_SHARED !== void 0;
function booleanArgument(value, name, whenMissing) {
	if (value === void 0) return whenMissing;
	if (typeof value !== "boolean") throw wrongType(name, "of type boolean", value);
	return value;
}
function oneOf(value, name, allowed) {
	if (typeof value !== "string") throw wrongType(name, "of type string", value);
	const found = allowed.find((one) => one === value);
	if (found !== void 0) return found;
	throw wrongValue(`The "${name}" argument must be one of ${allowed.map((one) => `'${one}'`).join(", ")}. Received '${value.slice(0, 25)}'`);
}
function int32(value, name) {
	if (typeof value !== "number") throw wrongType(name, "of type number", value);
	return integer(value, name, -INT32_MAX - 1, INT32_MAX);
}
function systemConstant(value, name) {
	return value === void 0 && !HAS_SYSTEM_CONSTANTS ? 0 : int32(value, name);
}
function integer(value, name, least, most) {
	if (!Number.isInteger(value)) throw outOfRange("The argument is out of range", name, "an integer", value);
	if (value < least || value > most) throw outOfRange("The argument is out of range", name, `${least} to ${most}`, value);
	return value;
}
function wholeNumber(value, name, expected = "of type number") {
	return typeof value === "number" && Number.isInteger(value) ? value : otherWholeNumber(value, name, expected);
}
function otherWholeNumber(value, name, expected) {
	if (typeof value === "bigint") {
		if (BigInt.asIntN(64, value) !== value) throw outOfRange("The argument is out of range", name, "-(2 ** 63) to 2 ** 63 - 1", value);
		return Number(value);
	}
	if (typeof value !== "number") throw wrongType(name, expected, value);
	throw outOfRange("The argument is out of range", name, "an integer", value);
}
function optionalWholeNumber(value, name, expected) {
	return value === void 0 ? void 0 : wholeNumber(value, name, expected);
}
function optionalBound(value, name) {
	if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return value;
	return optionalWholeNumber(value, name);
}
function extentArgument(value, name, negative) {
	if (value === void 0) return 0;
	if (typeof value === "bigint") {
		if (value < 0n) throw outOfRange(negative, name, ">= 0", value);
		if (value >= 2n ** 63n) throw outOfRange("The argument is out of range", name, "< 2 ** 63", value);
		return Number(value);
	}
	if (typeof value !== "number") throw wrongType(name, "of type number or bigint", value);
	if (value < 0 && Number.isInteger(value)) throw outOfRange(negative, name, ">= 0", value);
	return integer(value, name, 0, Number.MAX_SAFE_INTEGER) + 0;
}
function timeoutArgument(value, name) {
	if (value === void 0) return Number.POSITIVE_INFINITY;
	if (typeof value !== "number") throw wrongType(name, "of type number", value);
	if (value >= 0) return value;
	throw outOfRange("The argument is out of range", name, ">= 0", value);
}
function countArgument(value, name) {
	if (value === void 0 || value === Number.POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
	const count = wholeNumber(value, name);
	if (count < 0) throw outOfRange("The argument is out of range", name, ">= 0", count);
	return count;
}
function wordValue(value, name) {
	if (typeof value !== "number") throw wrongType(name, "of type number", value);
	return integer(value, name, -INT32_MAX - 1, 2 ** 32 - 1) | 0;
}
function byteArgument(byte, name) {
	return integer(byte, name, 0, 255);
}
function getter(prototype, name) {
	const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
	return Function.prototype.call.bind(get);
}
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype);
const typedArrayParts = {
	buffer: getter(TYPED_ARRAY, "buffer"),
	byteOffset: getter(TYPED_ARRAY, "byteOffset"),
	byteLength: getter(TYPED_ARRAY, "byteLength")
};
const dataViewParts = {
	buffer: getter(DataView.prototype, "buffer"),
	byteOffset: getter(DataView.prototype, "byteOffset"),
	byteLength: getter(DataView.prototype, "byteLength")
};
const keysOf = Function.prototype.call.bind(Uint8Array.prototype.keys);
const byteLengthOf = typedArrayParts.byteLength;
function bytesArgument(data, name) {
	if ((0, node_util_types.isUint8Array)(data)) return byteLengthOf(data) === 0 ? bytesOf(data, name) : data;
	if (typeof data === "string") return Buffer.from(data, "utf8");
	if (ArrayBuffer.isView(data) || (0, node_util_types.isAnyArrayBuffer)(data)) return bytesOf(data, name);
	throw wrongType(name, "a string, an ArrayBuffer, a SharedArrayBuffer or a view of one", data);
}
function bytesOf(data, name) {
	try {
		if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
		if (!(0, node_util_types.isDataView)(data)) keysOf(data);
		const parts = partsOf$1(data);
		return new Uint8Array(parts.buffer(data), parts.byteOffset(data), parts.byteLength(data));
	} catch {
		throw wrongValue(ArrayBuffer.isView(data) && !isDetached$1(data) ? `The "${name}" argument is a view that reaches beyond the end of its ArrayBuffer, which has shrunk` : `The "${name}" argument is, or is a view of, a detached ArrayBuffer`);
	}
}
function partsOf$1(view) {
	return (0, node_util_types.isDataView)(view) ? dataViewParts : typedArrayParts;
}
function isDetached$1(view) {
	try {
		new Uint8Array(partsOf$1(view).buffer(view));
		return false;
	} catch {
		return true;
	}
}
function needleArgument(needle, name) {
	return typeof needle === "number" ? byteAsBytes(byteArgument(needle, name)) : bytesArgument(needle, name);
}
const SINGLE_BYTES = [];
function byteAsBytes(byte) {
	SINGLE_BYTES[byte] ??= Uint8Array.of(byte);
	return SINGLE_BYTES[byte];
}
function nameArgument(value, name) {
	if (typeof value !== "string") throw wrongType(name, "of type string", value);
	if (value.includes("\0")) throw wrongValue(`The "${name}" argument must be a string without null characters`);
	if (/\p{Surrogate}/u.test(value)) throw wrongValue(`The "${name}" argument must be a string without lone surrogates`);
	return value;
}
function fileArgument(file) {
	if (typeof file === "number") return integer(file, "file", -INT32_MAX - 1, INT32_MAX);
	if (typeof file === "string") return pathArgument(file);
	if ((0, node_util_types.isUint8Array)(file)) return pathArgument(bytesOf(file, "file"));
	if (typeof file === "object" && file !== null && !isArrayOrRevoked(file) && "fd" in file && "stat" in file) {
		const { fd } = file;
		if (typeof fd === "number") return integer(fd, "file", -1, INT32_MAX) === -1 ? -2 : fd;
	}
	throw wrongType("file", "a path, a file: URL, a descriptor, a FileHandle, or -1", file);
}
function pathArgument(path) {
	if (typeof path === "string" ? path.includes("\0") : path.includes(0)) throw wrongValue("The \"file\" argument must be a path without null bytes");
	return typeof path === "string" && process.platform === "win32" ? namespacedPath(path) : path;
}
function namespacedPath(path) {
	try {
		return (0, node_path.toNamespacedPath)(path);
	} catch {
		return path;
	}
}
function pathText(passed, path) {
	return typeof path === "string" ? String(passed) : Buffer.from(path).toString();
}
function urlPath(file) {
	if (typeof file !== "object" || file === null || (0, node_util_types.isUint8Array)(file)) return void 0;
	const href = urlText(file);
	if (href === void 0) return void 0;
	try {
		return (0, node_url.fileURLToPath)(href);
	} catch (error) {
		const code = codeOf(error);
		if (code === void 0) throw wrongValue("The \"file\" argument must be a URL whose escapes are UTF-8");
		if (code === "ERR_INVALID_URL") throw wrongValue("The \"file\" argument must be a URL whose \"href\" is one");
		throw error;
	}
}
const hrefOf = getter(node_url.URL.prototype, "href");
function urlText(file) {
	try {
		return hrefOf(file);
	} catch {}
	try {
		const { href, protocol, auth, path } = file;
		return typeof href === "string" && protocol && auth === void 0 && path === void 0 ? href : void 0;
	} catch {
		return;
	}
}
function isArrayOrRevoked(value) {
	try {
		return Array.isArray(value);
	} catch {
		return true;
	}
}
//#endregion
//#region src/dispose.ts
const SYMBOL_OF_COMPILERS = Symbol.for("Symbol.dispose");
function addDisposeSymbols(prototype) {
	if (Symbol.dispose !== void 0) return;
	const value = Reflect.get(prototype, "undefined");
	Reflect.deleteProperty(prototype, "undefined");
	for (const symbol of [symbolOfNode(), SYMBOL_OF_COMPILERS]) if (symbol !== void 0) Object.defineProperty(prototype, symbol, {
		value,
		writable: true,
		configurable: true
	});
}
function symbolOfNode() {
	const disposable = node_events.addAbortListener?.({
		aborted: false,
		addEventListener() {},
		removeEventListener() {}
	}, () => {});
	return disposable && Object.getOwnPropertySymbols(disposable)[0];
}
//#endregion
//#region src/abort-signal.ts
function signalOf(value) {
	if (typeof value !== "object" || value === null) return void 0;
	try {
		return realmSignal(value) ?? foreignSignal(value);
	} catch {
		return;
	}
}
let functions;
function signalFunctions() {
	if (functions !== void 0 || typeof AbortSignal === "undefined") return functions;
	const { prototype } = AbortSignal;
	const { addEventListener, removeEventListener } = prototype;
	const { aborted, reason } = Object.getOwnPropertyDescriptors(prototype);
	if (aborted?.get === void 0 || reason?.get === void 0) return void 0;
	functions = {
		aborted: aborted.get,
		reason: reason.get,
		addEventListener,
		removeEventListener
	};
	return functions;
}
function realmSignal(signal) {
	const builtIn = signalFunctions();
	if (builtIn === void 0) return void 0;
	let aborted;
	try {
		aborted = Reflect.apply(builtIn.aborted, signal, []);
	} catch {
		return;
	}
	const options = listenerOptions();
	return {
		aborted,
		reason: () => Reflect.apply(builtIn.reason, signal, []),
		onAbort: (abortListener) => listen(signal, abortListener, {
			add: (listener) => Reflect.apply(builtIn.addEventListener, signal, [
				"abort",
				listener,
				options
			]),
			remove: (listener) => Reflect.apply(builtIn.removeEventListener, signal, [
				"abort",
				listener,
				options
			])
		})
	};
}
function foreignSignal(signal) {
	const { aborted, addEventListener, removeEventListener } = signal;
	if (typeof aborted !== "boolean") return void 0;
	if (typeof addEventListener !== "function" || typeof removeEventListener !== "function") return void 0;
	return {
		aborted,
		reason() {
			try {
				return Reflect.get(signal, "reason");
			} catch {
				return;
			}
		},
		onAbort: (abortListener) => listen(signal, abortListener, {
			add: (listener) => Reflect.apply(addEventListener, signal, [
				"abort",
				listener,
				{ capture: true }
			]),
			remove(listener) {
				try {
					Reflect.apply(removeEventListener, signal, [
						"abort",
						listener,
						{ capture: true }
					]);
				} catch {}
			}
		})
	};
}
let options;
function listenerOptions() {
	if (options !== void 0) return options;
	const found = { capture: true };
	node_events.addAbortListener?.({
		aborted: false,
		addEventListener: (_type, _listener, nodeOptions) => Object.assign(found, nodeOptions, { once: false })
	}, () => {});
	options = found;
	return found;
}
const listenersBySignal = /* @__PURE__ */ new WeakMap();
function listen(signal, abortListener, { add, remove }) {
	let entry = listenersBySignal.get(signal);
	if (entry === void 0) {
		const listeners = /* @__PURE__ */ new Set();
		const onEvent = () => {
			for (const listener of listeners) listener();
		};
		add(onEvent);
		entry = {
			listeners,
			removeFromSignal: () => remove(onEvent)
		};
		listenersBySignal.set(signal, entry);
	}
	const { listeners, removeFromSignal } = entry;
	listeners.add(abortListener);
	return () => {
		listeners.delete(abortListener);
		if (listeners.size !== 0) return;
		removeFromSignal();
		listenersBySignal.delete(signal);
	};
}
//#endregion
//#region src/options/objects.ts
const NO_OPTIONS = Object.freeze(Object.create(null));
function isOptions(start, ...others) {
	return isObject(start) && others.every((other) => other === void 0);
}
function isObject(value) {
	return typeof value === "object" && value !== null && !isArrayOrRevoked(value);
}
function optionsArgument(options, names, method) {
	if (options === void 0) return NO_OPTIONS;
	if (!isObject(options) || looksMisplaced(options)) throw wrongType("options", "of type object", options);
	refuseUnknown(options, "options.", names, method);
	return options;
}
function objectOption(value, name, names) {
	if (!isObject(value)) throw wrongType(name, `of type boolean, or an object with ${names.join(", ")}`, value);
	refuseUnknown(value, `options.${name}.`, names, "mmap");
	return value;
}
const OTHER_NAMES = new Map([["shared", "sharedArrayBuffer"], ["maxLength", "maxByteLength"]]);
function refuseUnknown(options, prefix, names, method) {
	for (const name of Object.keys(options)) {
		if (names.includes(name)) continue;
		const meant = OTHER_NAMES.get(name);
		throw wrongValue(`The property "${prefix}${name}" is not an option of ${method}. ${meant !== void 0 && names.includes(meant) ? `It is called "${meant}"` : `Options are ${names.join(", ")}`}`);
	}
}
function looksMisplaced(value) {
	if ((0, node_util_types.isAnyArrayBuffer)(value) || ArrayBuffer.isView(value)) return true;
	if ((0, node_util_types.isDate)(value) || (0, node_util_types.isPromise)(value) || (0, node_util_types.isRegExp)(value) || (0, node_util_types.isNativeError)(value)) return true;
	return (0, node_util_types.isBoxedPrimitive)(value) || Symbol.iterator in value || "aborted" in value || "href" in value;
}
//#endregion
//#region src/options/methods.ts
const LINES_OPTION_NAMES = [
	"start",
	"stop",
	"encoding",
	"crlf",
	"reverse",
	"matching"
];
const LINES_ENCODINGS = ["utf8", "latin1"];
function linesOptions(options) {
	const { start, stop, encoding, crlf, reverse, matching } = optionsArgument(options, LINES_OPTION_NAMES, "lines");
	return {
		...iterationBounds(start, stop),
		crlf: booleanArgument(crlf, "crlf", false),
		reverse: booleanArgument(reverse, "reverse", false),
		encoding: encoding === void 0 ? void 0 : oneOf(encoding, "encoding", LINES_ENCODINGS),
		matching
	};
}
function iterationBounds(start, stop) {
	return {
		start: optionalBound(start, "start") ?? 0,
		stop: optionalBound(stop, "stop") ?? Number.POSITIVE_INFINITY
	};
}
const STREAM_OPTION_NAMES = [
	"start",
	"stop",
	"chunkSize"
];
const DEFAULT_PIECE = 64 * 1024;
const LONGEST_PIECE = 1024 * 1024;
function streamOptions(options) {
	const { start, stop, chunkSize } = optionsArgument(options, STREAM_OPTION_NAMES, "stream");
	if (chunkSize !== void 0 && typeof chunkSize !== "number") throw wrongType("chunkSize", "of type number", chunkSize);
	return {
		...iterationBounds(start, stop),
		chunkSize: chunkSize === void 0 ? DEFAULT_PIECE : integer(chunkSize, "chunkSize", 1, LONGEST_PIECE)
	};
}
const RANGE_OPTION_NAMES = ["start", "stop"];
const TASK_OPTION_NAMES = [
	"signal",
	"onProgress",
	"threads"
];
const MOST_THREADS = 16;
const RANGE_TASK_OPTION_NAMES = [...RANGE_OPTION_NAMES, ...TASK_OPTION_NAMES];
function rangeArguments(start, stop) {
	if (typeof start !== "object" || !isOptions(start, stop)) return range(start, stop);
	const options = optionsArgument(start, RANGE_OPTION_NAMES, "this method");
	return range(options.start, options.stop);
}
function range(start, stop) {
	return {
		start: optionalBound(start, "start"),
		stop: optionalBound(stop, "stop")
	};
}
function taskArguments(start, stop, options) {
	if (isOptions(start, stop, options)) {
		const all = optionsArgument(start, RANGE_TASK_OPTION_NAMES, "this method");
		const { start: from, stop: to } = all;
		return [range(from, to), checkTaskOptions(all)];
	}
	return [range(start, stop), taskOptions(options)];
}
const MATCH_OPTION_NAMES = ["groups"];
const MATCH_TASK_OPTION_NAMES = [...MATCH_OPTION_NAMES, ...TASK_OPTION_NAMES];
const REPLACE_OPTION_NAMES = ["fill"];
const REPLACE_TASK_OPTION_NAMES = [...REPLACE_OPTION_NAMES, ...TASK_OPTION_NAMES];
function matchArguments(start, stop, options) {
	const { bounds, groups } = withRange(start, stop, options, MATCH_OPTION_NAMES);
	return [bounds, booleanArgument(groups, "groups", true)];
}
function matchTaskArguments(start, stop, options) {
	const { bounds, groups, ...task } = withRange(start, stop, options, MATCH_TASK_OPTION_NAMES);
	return [
		bounds,
		booleanArgument(groups, "groups", true),
		checkTaskOptions(task)
	];
}
function replaceArguments(start, stop, options) {
	const { bounds, fill } = withRange(start, stop, options, REPLACE_OPTION_NAMES);
	return [bounds, fillArgument(fill)];
}
function replaceTaskArguments(start, stop, options) {
	const { bounds, fill, ...task } = withRange(start, stop, options, REPLACE_TASK_OPTION_NAMES);
	return [
		bounds,
		fillArgument(fill),
		checkTaskOptions(task)
	];
}
function fillArgument(fill) {
	if (fill === void 0) return -1;
	if (typeof fill === "number") return byteArgument(fill, "fill");
	if (typeof fill !== "string") throw wrongType("fill", "of type number or string", fill);
	const code = fill.charCodeAt(0);
	if (fill.length === 1 && code < 128) return code;
	throw wrongValue(`The "fill" argument must be one character of ASCII. Received '${fill.slice(0, 25)}'`);
}
function withRange(start, stop, options, names) {
	const isInOptions = isOptions(start, stop, options);
	const passed = isInOptions ? optionsArgument(start, [...RANGE_OPTION_NAMES, ...names], "this method") : optionsArgument(options, names, "this method");
	const { groups, fill, signal, onProgress } = passed;
	return {
		bounds: isInOptions ? range(passed.start, passed.stop) : range(start, stop),
		groups,
		fill,
		signal,
		onProgress
	};
}
function taskOptions(options) {
	return checkTaskOptions(optionsArgument(options, TASK_OPTION_NAMES, "this method"));
}
function checkTaskOptions({ signal: passed, onProgress, threads }) {
	const signal = signalOption(passed);
	if (onProgress !== void 0 && typeof onProgress !== "function") throw wrongType("onProgress", "of type function", onProgress);
	const most = threadsOption(threads);
	refuseAborted(signal);
	return {
		signal,
		onProgress,
		threads: most
	};
}
function threadsOption(threads) {
	if (threads === void 0) return 0;
	if (typeof threads !== "number") throw wrongType("threads", "of type number", threads);
	return integer(threads, "threads", 1, MOST_THREADS);
}
const WAIT_OPTION_NAMES = ["timeout", "signal"];
function waitOptions(options) {
	const { timeout, signal: passed } = optionsArgument(options, WAIT_OPTION_NAMES, "this method");
	const checked = {
		timeout: timeoutArgument(timeout, "timeout"),
		signal: signalOption(passed)
	};
	refuseAborted(checked.signal);
	return checked;
}
function signalOption(passed) {
	const signal = passed === void 0 ? void 0 : signalOf(passed);
	if (passed !== void 0 && signal === void 0) throw wrongType("signal", "an instance of AbortSignal", passed);
	return signal;
}
function refuseAborted(signal) {
	if (signal?.aborted) throw aborted(signal.reason());
}
//#endregion
//#region src/ranges.ts
function clamp(bound, length) {
	return bound < 0 ? Math.max(bound + length, 0) : Math.min(bound, length);
}
function rangeFromCursor({ start, stop }, cursor, length) {
	return [clamp(start ?? cursor, length), clamp(stop ?? length, length)];
}
function rangeFromStart({ start, stop }, length) {
	const from = clamp(start ?? 0, length);
	return [from, Math.max(from, clamp(stop ?? length, length))];
}
function lockBounds({ start, stop }, { offset, length }) {
	const what = "lock range out of range";
	const most = Number.MAX_SAFE_INTEGER - offset;
	const from = start === void 0 ? 0 : start < 0 ? Math.max(start + length, 0) : start;
	const to = stop === void 0 ? Number.POSITIVE_INFINITY : stop < 0 ? Math.max(stop + length, 0) : stop;
	if (from > most) throw outOfRange(what, "start", `at most ${most}`, start);
	if (to > most && to !== Number.POSITIVE_INFINITY) throw outOfRange(what, "stop", `at most ${most}`, stop);
	if (to <= from) throw outOfRange(what, "stop", `greater than "start", which is ${from}`, stop);
	return [from, to];
}
function byteIndex(index, length) {
	const at = index < 0 ? index + length : index;
	if (at < 0 || at >= length) throw outOfRange("mmap index out of range", "index", `${-length} to ${length - 1}`, index);
	return at;
}
function refuseEnd(cursor, length, what) {
	if (cursor < length) return;
	throw outOfRange(what, "position", `less than the length, ${length}`, cursor);
}
function refuseWrongByte(byte) {
	if (byte > 255) throw outOfRange("unsigned byte integer is greater than maximum", "value", "0 to 255", byte);
	if (byte < 0) throw outOfRange("unsigned byte integer is less than minimum", "value", "0 to 255", byte);
}
function refuseWrongItem(value) {
	if (value >= 0 && value <= 255) return;
	throw outOfRange("mmap item value must be in range(0, 256)", "value", "0 to 255", value);
}
function seekTarget(distance, whence, cursor, length) {
	const base = [
		0,
		cursor,
		length
	][whence];
	if (base === void 0) throw outOfRange("unknown seek type", "whence", "0, 1 or 2", whence);
	const target = base + distance;
	if (target < 0 || target > length) throw outOfRange("seek out of range", "position", `${-base} to ${length - base}`, distance);
	return target;
}
function refuseOverrun(count, cursor, length) {
	const left = length - cursor;
	if (count <= left) return;
	const what = "data out of range";
	if (left < 0) throw outOfRange(what, "position", `at most the length, ${length}`, cursor);
	throw outOfRange(what, "data", `at most ${left} bytes long, from the cursor to the end`, `${count} bytes`);
}
function misfit(count, position, length) {
	const what = "data out of range";
	const last = length - count;
	if (last < 0) return outOfRange(what, "data", `at most ${length} bytes long`, `${count} bytes`);
	return outOfRange(what, "position", `0 to ${last} for ${count} bytes`, position);
}
function lastStop(start, needleLength, length) {
	if (start < -length && needleLength !== 0) return void 0;
	return Math.min(clamp(start, length) + needleLength, length);
}
function refuseWrongWord(position, lead, length) {
	const what = "word out of range";
	const last = length - 4;
	if (position < 0 || position > last) throw outOfRange(what, "position", last < 0 ? "in a mapping of at least 4 bytes" : `0 to ${last}`, position);
	if ((lead + position) % 4 !== 0) throw outOfRange(what, "position", "such that offset + position is a multiple of 4", position);
}
function refuseOutside(position, length) {
	if (position >= 0 && position <= length) return;
	throw outOfRange("line out of range", "position", `0 to ${length}`, position);
}
function refuseMove(dest, src, count, length) {
	const what = "source, destination, or count out of range";
	const last = length - count;
	if (count < 0 || count > length) throw outOfRange(what, "count", `0 to ${length}`, count);
	if (dest < 0 || dest > last) throw outOfRange(what, "dest", `0 to ${last}`, dest);
	if (src < 0 || src > last) throw outOfRange(what, "src", `0 to ${last}`, src);
}
function flushArguments(offset, size) {
	return {
		offset: wholeNumber(offset, "offset"),
		size: optionalWholeNumber(size, "size")
	};
}
function flushRange({ offset, size }, length) {
	const what = "flush values out of range";
	if (offset < 0 || offset > length) throw outOfRange(what, "offset", `0 to ${length}`, offset);
	const left = length - offset;
	if (size === void 0 || size === -1) return [offset, length];
	if (size < 0 || size > left) throw outOfRange(what, "size", `0 to ${left}, or -1`, size);
	return [offset, offset + size];
}
function adviceCount(start, count, length) {
	if (start < 0 || start >= length && start !== 0) throw outOfRange("madvise start out of bounds", "start", `0 to ${length - 1}`, start);
	const left = length - start;
	if (count === void 0) return left;
	if (count < 0) throw outOfRange("madvise length invalid", "length", ">= 0", count);
	const most = Number.MAX_SAFE_INTEGER - start;
	if (count > most) throw outOfRange("madvise length too large", "length", `at most ${most}`, count);
	return Math.min(count, left);
}
function elementCount(view, lead, length) {
	const what = "view out of range";
	const { byteOffset, size } = view;
	if (byteOffset < 0 || byteOffset > length) throw outOfRange(what, "byteOffset", `0 to ${length}`, byteOffset);
	const most = Math.floor((length - byteOffset) / size);
	const count = view.length ?? most;
	if (count < 0 || count > most) throw outOfRange(what, "length", `0 to ${most}`, count);
	if ((lead + byteOffset) % size !== 0) throw outOfRange(what, "byteOffset", `such that offset + byteOffset is a multiple of ${size} (a DataView reads anywhere)`, byteOffset);
	return count;
}
function sliceBounds(start, stop, step) {
	return {
		start: optionalBound(start, "start"),
		stop: optionalBound(stop, "stop"),
		step: optionalWholeNumber(step, "step") ?? 1
	};
}
function adjustSlice({ start, stop, step }, length) {
	if (step === 0) throw outOfRange("slice step cannot be zero", "step", "a whole number other than 0", step);
	const [least, most] = step < 0 ? [-1, length - 1] : [0, length];
	const adjust = (bound) => bound < 0 ? Math.max(bound + length, least) : Math.min(bound, most);
	const from = start === void 0 ? step < 0 ? most : least : adjust(start);
	const to = stop === void 0 ? step < 0 ? least : most : adjust(stop);
	const distance = step < 0 ? from - to : to - from;
	const count = distance <= 0 ? 0 : Math.floor((distance - 1) / Math.abs(step)) + 1;
	return {
		start: from,
		step: count <= 1 ? 1 : step,
		count
	};
}
function refuseWrongSize(count, slice) {
	if (count === slice.count) return;
	throw outOfRange("mmap slice assignment is wrong size", "data", `${slice.count} bytes long, as the slice is`, `${count} bytes`);
}
//#endregion
//#region src/fault-counter.ts
let faultCounter;
let isRequested = false;
function countedFaults() {
	if (isRequested) return faultCounter;
	isRequested = true;
	try {
		faultCounter = new Uint32Array(checked(binding.faultCounter()));
	} catch {}
	return faultCounter;
}
//#endregion
//#region src/fault-signals.ts
const SIGNALS = ["SIGBUS", "SIGSEGV"];
const EMITS_BEFORE_INSTALLING = process.versions.bun !== void 0 || process.versions.deno !== void 0;
let isWatching = false;
function keepFaultHandler() {
	if (isWatching) return;
	isWatching = true;
	const { isMainThread } = require("node:worker_threads");
	if (!isMainThread || !binding.installFaultHandler() || !binding.isFirstToWatchSignals()) return;
	const onNewListener = EMITS_BEFORE_INSTALLING ? addFirstListener : reinstall;
	process.on("newListener", onNewListener);
	process.on("removeListener", reinstall);
	for (const signal of SIGNALS) if (process.listenerCount(signal) !== 0) onNewListener(signal);
}
function isFaultSignal(signal) {
	return SIGNALS.some((faultSignal) => faultSignal === signal);
}
function reinstall(signal) {
	if (isFaultSignal(signal)) binding.installFaultHandler();
}
let isAddingOurs = false;
function addFirstListener(signal) {
	if (!isFaultSignal(signal) || isAddingOurs || process.listeners(signal).includes(doNothing)) return;
	isAddingOurs = true;
	try {
		process.on(signal, doNothing);
		if (process.versions.bun === void 0) process.off(signal, doNothing);
	} catch {}
	isAddingOurs = false;
	binding.installFaultHandler();
}
function doNothing() {}
//#endregion
//#region src/open.ts
const handles = {
	spare: [],
	spareCount: 0,
	mostSpare: 64,
	unclosed: 0
};
function closedHandle() {
	if (handles.spareCount === 0) return binding.newHandle();
	handles.spareCount -= 1;
	const handle = handles.spare[handles.spareCount];
	handles.spare[handles.spareCount] = void 0;
	return handle;
}
function open(handle, request) {
	const mapped = binding.open(handle, request.file, request.tagname, request.shm, request.length, request.offset, request.access, request.flags, request.prot, request.trackfd, request.create, request.mode, request.exclusive, request.writeBack, request.allowEmpty);
	if (typeof mapped !== "number") {
		handles.spare[handles.spareCount] = handle;
		handles.spareCount += 1;
		if (isShortage(mapped)) collectGarbageSoon();
		throw request.path === void 0 && request.file === -1 && request.length === 0 ? withLengthHint(mapped) : withPath(mapped, request.path);
	}
	handles.unclosed += 1;
	if (handles.unclosed >= nextCount) countDescriptors();
	return mapped;
}
let nextCount = 0;
const SHARE = 1 / 4;
const LEAST_UNTIL_NEXT_COUNT = 16;
function countDescriptors() {
	const allowed = binding.descriptorsAllowed();
	handles.unclosed = binding.openMappings();
	nextCount = handles.unclosed + Math.max((allowed - handles.unclosed) * SHARE, LEAST_UNTIL_NEXT_COUNT);
	if (handles.unclosed >= allowed * SHARE) collectGarbageSoon();
}
let isCollectionDue = false;
function collectGarbageSoon() {
	if (isCollectionDue) return;
	(0, node_timers.setImmediate)(collect);
	isCollectionDue = true;
}
function collect() {
	isCollectionDue = false;
	const { Bun } = globalThis;
	if (Bun !== void 0) {
		Bun.gc(true);
		return;
	}
	try {
		for (let count = 0; count < 4; count += 1) Reflect.construct(ArrayBuffer, [2 ** 30]);
	} catch {}
}
let leavesAtExit = false;
function leaveNamedRegionsAtExit() {
	if (leavesAtExit || process.versions.bun === void 0) return;
	leavesAtExit = true;
	const { isMainThread } = require("node:worker_threads");
	if (!isMainThread) return;
	process.once("exit", binding.leaveNamedRegions);
}
//#endregion
//#region src/permission.ts
function refuseDenied(path, writes) {
	const permission = process.permission;
	if (permission === void 0) return;
	const full = (0, node_path.resolve)(path);
	if (!permission.has("fs.read", full)) throw accessDenied("FileSystemRead", "--allow-fs-read", path);
	if (writes && !permission.has("fs.write", full)) throw accessDenied("FileSystemWrite", "--allow-fs-write", path);
}
//#endregion
//#region src/runtime.ts
const CAN_RELOCATE = process.platform !== "win32" && process.versions.bun === void 0;
//#endregion
//#region src/shm.ts
function unlinkShm(name) {
	const bare = shmName(name, "name");
	refuseDeniedShm(bare, true);
	try {
		checked(binding.unlinkShm(bare));
	} catch (error) {
		throw withPath(error, bare);
	}
}
function shmName(value, argument) {
	const text = nameArgument(value, argument);
	const name = text.startsWith("/") ? text.slice(1) : text;
	if (name === "" || name === "." || name === ".." || name.includes("/")) throw wrongValue(`The "${argument}" argument must be a name with at most one slash, in front, and not '.' or '..'. Received '${text.slice(0, 25)}'`);
	return name;
}
function refuseDeniedShm(name, writes) {
	if (process.platform === "linux") refuseDenied(`/dev/shm/${name}`, writes);
}
//#endregion
//#region src/options/mmap.ts
const MMAP_OPTION_NAMES = [
	"length",
	"access",
	"offset",
	"tagname",
	"shm",
	"flags",
	"prot",
	"trackfd",
	"create",
	"writeBack",
	"allowEmpty",
	"sharedArrayBuffer"
];
const DEFAULT_FLAGS = MAP_SHARED ?? 0;
const DEFAULT_PROT = PROT_READ | PROT_WRITE;
function mmapRequest(file, length, options) {
	const isLengthLeftOut = isOptions(length, options);
	const passed = optionsArgument(isLengthLeftOut ? length : options, MMAP_OPTION_NAMES, "mmap");
	const { access, offset, tagname, shm, flags, prot, trackfd, create, writeBack, allowEmpty, sharedArrayBuffer } = passed;
	const named = urlPath(file) ?? file;
	const target = fileArgument(named);
	const name = shm === void 0 ? void 0 : shmName(shm, "shm");
	const request = {
		file: target,
		path: typeof target === "number" ? name : pathText(named, target),
		length: lengthArgument(isLengthLeftOut ? void 0 : length, passed.length),
		offset: offsetArgument(offset),
		tagname: tagname === void 0 || tagname === "" ? void 0 : nameArgument(tagname, "tagname"),
		shm: name,
		access: 0,
		flags: optionalInteger(flags, "flags") ?? DEFAULT_FLAGS,
		prot: optionalInteger(prot, "prot") ?? DEFAULT_PROT,
		trackfd: booleanArgument(trackfd, "trackfd", true),
		...createArgument(create, name === void 0 ? FILE_MODE : SHM_MODE),
		writeBack: booleanArgument(writeBack, "writeBack", false),
		allowEmpty: booleanArgument(allowEmpty, "allowEmpty", false),
		shared: sharedArrayBuffer === true,
		maxByteLength: void 0
	};
	if (typeof sharedArrayBuffer !== "boolean" && sharedArrayBuffer !== void 0) {
		request.shared = true;
		request.maxByteLength = maxByteLengthArgument(sharedArrayBuffer);
	}
	request.access = accessArgument(access, request, isPassed(passed, "flags", flags) || isPassed(passed, "prot", prot));
	refuseContradictions(request);
	if (name !== void 0) refuseDeniedShm(name, writesToFile(request));
	else if (request.path !== void 0) refuseDenied(request.path, writesToFile(request));
	return request;
}
function writesToFile({ access, flags, prot, create, writeBack }) {
	if (create !== 0 || writeBack) return true;
	if (access === void 0) return (flags & MAP_SHARED) !== 0 && (prot & PROT_WRITE) !== 0;
	return access === 0 || access === 2;
}
function isPassed(options, name, value) {
	return value !== void 0 || !HAS_SYSTEM_CONSTANTS && name in options;
}
function lengthArgument(argument, option) {
	if (argument !== void 0 && option !== void 0) throw wrongValue("The length must be given once, as the \"length\" argument or as the option of that name");
	return extentArgument(argument === void 0 ? option : argument, "length", "memory mapped length must be positive");
}
function offsetArgument(offset) {
	const checked = extentArgument(offset, "offset", "memory mapped offset must be positive");
	if (typeof offset === "bigint" && BigInt(checked) !== offset) throw outOfRange("The argument is out of range", "offset", "a bigint that is equal to a number, as all are up to 2 ** 53", offset);
	return checked;
}
function accessArgument(value, { flags, prot }, hasFlags) {
	const access = optionalInteger(value, "access") ?? 0;
	if (access === 0) return hasFlags ? void 0 : 0;
	if (flags !== DEFAULT_FLAGS || prot !== DEFAULT_PROT) throw wrongValue("mmap can't specify both access and flags, prot.");
	if (access < 0 || access > 3) throw outOfRange("mmap invalid access parameter.", "access", "ACCESS_DEFAULT, _READ, _WRITE or _COPY, 0 to 3", value);
	return access;
}
function refuseContradictions(request) {
	const { file, length, tagname, shm, access, flags, trackfd, create, exclusive, writeBack, allowEmpty } = request;
	const { maxByteLength } = request;
	const hasNoFile = file === -1;
	const isAnonymous = hasNoFile && shm === void 0;
	if (shm !== void 0) {
		if (!hasNoFile) throw wrongValue("The option \"shm\" names memory: \"file\" must be -1");
		if (tagname !== void 0) throw wrongValue("The options \"shm\" and \"tagname\" both name memory: pass one of them");
	}
	if (tagname !== void 0) {
		if (!hasNoFile) throw wrongValue("The option \"tagname\" names anonymous memory: \"file\" must be -1");
		if (access === void 0 && flags !== DEFAULT_FLAGS) throw wrongValue("The option \"tagname\" is for sharing: \"flags\" must be MAP_SHARED");
	}
	if (create !== 0 && isAnonymous) throw wrongValue("The option \"create\" is for files and \"shm\", and \"file\" is -1");
	if (exclusive && typeof file === "number" && shm === void 0) throw wrongValue("The option \"create.exclusive\" is for a file that is not there yet, and \"file\" is a descriptor of one");
	if (allowEmpty && hasNoFile) throw wrongValue("The option \"allowEmpty\" is for files, and \"file\" is -1");
	if (create !== 0 && length === 0 && !allowEmpty) throw wrongValue("The option \"create\" needs a \"length\" to extend the file to, or \"allowEmpty\"");
	if (maxByteLength !== void 0 && maxByteLength < length) throw maxByteLengthTooShort(maxByteLength, length);
	if (writeBack && (hasNoFile || access !== 3)) throw wrongValue("The option \"writeBack\" is for a file with access ACCESS_COPY");
	if (writeBack && !trackfd) throw wrongValue("The option \"writeBack\" needs the descriptor: \"trackfd\" must be true");
	if (!isAnonymous && access === void 0 && MAP_ANON !== void 0 && (flags & MAP_ANON) !== 0) throw wrongValue("The flag MAP_ANONYMOUS is for memory without a file: \"file\" must be -1");
}
function maxByteLengthTooShort(maxByteLength, length) {
	return outOfRange("The argument is out of range", "sharedArrayBuffer.maxByteLength", `at least the length, ${length}`, maxByteLength);
}
function maxByteLengthArgument(sharedArrayBuffer) {
	const { maxByteLength } = objectOption(sharedArrayBuffer, "sharedArrayBuffer", ["maxByteLength"]);
	if (maxByteLength === void 0) throw wrongValue("The option \"sharedArrayBuffer\" must be a boolean or have a \"maxByteLength\"");
	const name = "sharedArrayBuffer.maxByteLength";
	const checked = extentArgument(maxByteLength, name, "The argument is out of range");
	if (!CAN_RELOCATE) throw unsupported(`The option "${name}" is not available on this runtime: its buffers cannot grow in place`);
	return checked;
}
const FILE_MODE = 438;
const SHM_MODE = 384;
const MAX_MODE = 4095;
function createArgument(create, defaultMode) {
	if (create === void 0 || typeof create === "boolean") return {
		create: create ? 1 : 0,
		mode: defaultMode,
		exclusive: false
	};
	const { mode, exclusive, sparse } = objectOption(create, "create", [
		"mode",
		"exclusive",
		"sparse"
	]);
	if (mode !== void 0 && typeof mode !== "number") throw wrongType("create.mode", "of type number", mode);
	return {
		create: booleanArgument(sparse, "create.sparse", false) ? 2 : 1,
		mode: mode === void 0 ? defaultMode : integer(mode, "create.mode", 0, MAX_MODE),
		exclusive: booleanArgument(exclusive, "create.exclusive", false)
	};
}
function optionalInteger(value, name) {
	return value === void 0 ? void 0 : int32(value, name);
}
//#endregion
//#region src/search/needles.ts
const NEWLINE$2 = Uint8Array.of(10);
let lastText;
const LONGEST_CACHED = 64;
function cachedNeedleBytes(needle) {
	if (typeof needle !== "string") return bytesArgument(needle, "needle");
	if (needle === lastText?.text) return lastText.bytes;
	const bytes = Buffer.from(needle);
	if (needle.length <= LONGEST_CACHED) lastText = {
		text: needle,
		bytes
	};
	return bytes;
}
function needleOf(needle) {
	return typeof needle === "number" ? byteArgument(needle, "needle") : cachedNeedleBytes(needle);
}
function needleBytes(needle) {
	return typeof needle === "number" ? byteAsBytes(needle) : needle;
}
function indexWithin(bytes, needle, from, to) {
	const found = bytes.subarray(from, to).indexOf(needle);
	return found === -1 ? -1 : from + found;
}
function refuseEmpty(needle, name) {
	if (byteLengthOf(needle) === 0) throw wrongValue(`The "${name}" argument must not be empty, because an empty needle matches at every position`);
}
function refuseUnequal(from, to) {
	refuseEmpty(from, "from");
	const [old, replacement] = [byteLengthOf(from), byteLengthOf(to)];
	if (old === replacement) return;
	throw wrongValue(`The "to" argument must be as long as "from", ${old} bytes. Received ${replacement} bytes: other lengths would move the bytes after a match. Write the parts between the matches (findAll) and the replacements to a new file instead`);
}
//#endregion
//#region src/streams.ts
var Pieces = class {
	#source;
	#stop;
	#size;
	#next;
	ended = false;
	#copied = 0;
	constructor(source, start, stop, size) {
		this.#source = source;
		this.#next = clamp(start, source.length());
		this.#stop = stop;
		this.#size = size;
	}
	async next() {
		if (this.#copied >= 1048576) {
			this.#copied = 0;
			await new Promise((resolve) => (0, node_timers.setImmediate)(resolve));
		}
		const stop = clamp(this.#stop, this.#source.length());
		const end = Math.min(this.#next + this.#size, stop);
		this.ended = end === stop;
		if (end <= this.#next) return void 0;
		const piece = this.#source.copy(this.#next, end);
		this.#next = end;
		this.#copied += piece.length;
		return piece;
	}
};
function streamOf(pieces) {
	const { ReadableStream } = require("node:stream/web");
	return new ReadableStream({ async pull(controller) {
		const piece = await pieces.next();
		if (piece !== void 0) controller.enqueue(piece);
		if (piece === void 0 || pieces.ended) controller.close();
	} }, { highWaterMark: 0 });
}
var BufferIterator = class {
	#pieces;
	#ended = false;
	#last = Promise.resolve();
	constructor(pieces) {
		this.#pieces = pieces;
	}
	next() {
		const step = () => this.#step();
		const next = this.#last.then(step, step);
		this.#last = next;
		return next;
	}
	async return() {
		this.#ended = true;
		return {
			value: void 0,
			done: true
		};
	}
	[Symbol.asyncIterator]() {
		return this;
	}
	async #step() {
		const piece = this.#ended ? void 0 : await this.#pieces.next();
		if (piece === void 0) return this.return();
		return {
			value: Buffer.from(piece.buffer, piece.byteOffset, piece.length),
			done: false
		};
	}
};
//#endregion
//#region src/tasks.ts
const REPORT_INTERVAL = 34;
const buffersInUse = /* @__PURE__ */ new Set();
function isUsedByTask(buffer) {
	for (const use of buffersInUse) if (use.buffer === buffer) return true;
	return false;
}
async function runTask({ mapping, options, total, buffer, start, isPart }) {
	const { signal, onProgress, threads } = options;
	const task = checked(binding.newTask(mapping, threads));
	let thrown;
	const stop = () => binding.stopTask(task);
	const report = (done) => {
		if (thrown !== void 0) return;
		try {
			onProgress?.({
				done,
				total
			});
		} catch (error) {
			thrown = { error };
			stop();
		}
	};
	const reportPart = () => {
		const done = binding.taskDone(task);
		if (done < total) report(done);
	};
	const use = { buffer };
	let timer;
	let stopListening;
	try {
		const working = start(task);
		buffersInUse.add(use);
		try {
			stopListening = signal?.onAbort(stop);
		} catch (error) {
			thrown = { error };
			stop();
		}
		timer = onProgress && (0, node_timers.setInterval)(reportPart, REPORT_INTERVAL);
		const result = checked(await working);
		if (!isPart) report(total);
		if (thrown === void 0) return result;
	} catch (error) {
		if (thrown === void 0) throw toUserError(error, signal);
	} finally {
		(0, node_timers.clearInterval)(timer);
		buffersInUse.delete(use);
		stopListening?.();
	}
	throw thrown.error;
}
function toUserError(error, signal) {
	if (isAborted(error) && signal !== void 0) return aborted(signal.reason(), error);
	if ((0, node_util_types.isNativeError)(error)) Error.captureStackTrace(error);
	return error;
}
//#endregion
//#region src/text.ts
const LEAST_CHARACTERS = {
	utf8: (count) => Math.ceil(count / 3),
	latin1: (count) => count,
	ascii: (count) => count,
	utf16le: (count) => Math.floor(count / 2),
	hex: (count) => 2 * count,
	base64: (count) => 4 * Math.ceil(count / 3)
};
const ENCODINGS = Object.keys(LEAST_CHARACTERS);
function textEncoding(encoding) {
	if (encoding === "utf8") return encoding;
	return oneOf(encoding, "encoding", ENCODINGS);
}
function refuseTooLong(encoding, count) {
	const limit = node_buffer.constants.MAX_STRING_LENGTH;
	if (LEAST_CHARACTERS[encoding](count) > limit) throw textTooLong(count, limit);
}
function decode(copy, encoding, count) {
	try {
		return copy.toString(encoding, 0, count);
	} catch {
		throw textTooLong(count, node_buffer.constants.MAX_STRING_LENGTH);
	}
}
const scratch = Buffer.allocUnsafeSlow(2048);
const scratchWords = new DataView(scratch.buffer);
const SHORT_LOOP = 256;
function shortText(bytes, words, encoding, from, to) {
	const count = to - from;
	if (count > SHORT_LOOP) bytes.copy(scratch, 0, from, to);
	else {
		let done = 0;
		for (; done + 16 <= count; done += 16) {
			const at = from + done;
			scratchWords.setInt32(done, words.getInt32(at, true), true);
			scratchWords.setInt32(done + 4, words.getInt32(at + 4, true), true);
			scratchWords.setInt32(done + 8, words.getInt32(at + 8, true), true);
			scratchWords.setInt32(done + 12, words.getInt32(at + 12, true), true);
		}
		for (; done + 4 <= count; done += 4) scratchWords.setInt32(done, words.getInt32(from + done, true), true);
		for (; done < count; done += 1) scratchWords.setInt8(done, words.getInt8(from + done));
	}
	return encoding === "utf8" && HAS_UTF8_SLICE ? scratch.utf8Slice(0, count) : scratch.toString(encoding, 0, count);
}
const HAS_UTF8_SLICE = "utf8Slice" in scratch;
//#endregion
//#region src/views/mapped-buffer.ts
function mappedBuffer(id, buffer, start, byteOffset, length) {
	return {
		id,
		buffer,
		start,
		length,
		internal: Reflect.construct(Uint8Array, [
			buffer,
			byteOffset,
			length
		], Buffer),
		bytes: void 0,
		words: void 0,
		sharedWords: void 0,
		isRetired: false
	};
}
//#endregion
//#region src/views/shared-buffer.ts
function sharedBuffer(mapping, id, lead, length, maxByteLength) {
	if (length === 0 && !maxByteLength) return mappedBuffer(id, reserve(0, 0, false), 0, 0, 0);
	if (CAN_RELOCATE) return relocate(mapping, id, lead, length, Math.max(maxByteLength ?? 0, length));
	if (length > MAX_VIEW_LENGTH) throw sharedTooLarge(length, false);
	const buffer = checked(binding.buffer(mapping, id, true, 0, length));
	return mappedBuffer(id, buffer, 0, buffer.byteLength - length, length);
}
function relocate(mapping, id, lead, length, maxByteLength) {
	const buffer = reserve(lead + length, lead + maxByteLength, maxByteLength > length);
	const made = mappedBuffer(id, buffer, 0, lead, length);
	const memory = new Uint8Array(buffer);
	const capacity = buffer.maxByteLength;
	const hold = checked(binding.newBufferHold(buffer));
	const error = binding.relocate(mapping, id, memory, lead, capacity, hold);
	if (error !== void 0) throw error;
	return made;
}
let sharedParts = globalThis.SharedArrayBuffer === void 0 ? void 0 : partsOf(globalThis.SharedArrayBuffer);
function sharedClass() {
	if (sharedParts === void 0) {
		if (typeof WebAssembly === "undefined") throw noView();
		const { buffer } = new WebAssembly.Memory({
			initial: 0,
			maximum: 0,
			shared: true
		});
		sharedParts = partsOf(buffer.constructor);
	}
	return sharedParts;
}
function partsOf(create) {
	const { prototype } = create;
	const byteLength = Object.getOwnPropertyDescriptor(prototype, "byteLength")?.get;
	return {
		create,
		byteLengthOf: Function.prototype.call.bind(byteLength),
		grow: Function.prototype.call.bind(prototype.grow)
	};
}
function growBuffer(buffer, length) {
	const { byteLengthOf, grow } = sharedClass();
	if (byteLengthOf(buffer) < length) grow(buffer, length);
}
function reserve(length, maxByteLength, grows) {
	const { create } = sharedClass();
	try {
		return new create(length, { maxByteLength });
	} catch {
		throw sharedTooLarge(maxByteLength, grows);
	}
}
//#endregion
//#region src/views/views.ts
const BUFFER_ALIGNMENT = 8;
const BYTES_BEFORE_BUFFER = 16;
const LENGTH_PER_BYTE_BEFORE_BUFFER = 64 * 1024;
const NEVER$1 = Number.NEGATIVE_INFINITY;
const SHORT_MAPPING = 64 * 1024;
const COST_OF_WINDOW = 64 * 1024;
const COST_PER_BYTE = 1 / 4;
const LEAST_TO_PRUNE = 16;
var Views = class {
	#lead;
	#maxByteLength;
	#kind;
	#whole;
	#exposure = "internal";
	#window;
	#costOfWindows = 0;
	#buffersMade = 0;
	#bytesTouched = 0;
	#retired = [];
	#pruneAt = LEAST_TO_PRUNE;
	constructor(lead, isShared, maxByteLength) {
		this.#lead = lead;
		this.#maxByteLength = maxByteLength;
		this.#kind = isShared ? sharedKind(maxByteLength) : "untried";
	}
	exposeBytes(mapping, length) {
		const whole = this.#getWhole(mapping, length);
		const { internal, buffer } = whole;
		whole.bytes ??= new Uint8Array(buffer, internal.byteOffset, internal.length);
		this.#exposure = "exposed";
		return whole.bytes;
	}
	exposeWhole(mapping, length) {
		const { internal, buffer } = this.#getWhole(mapping, length);
		this.#exposure = "exposed";
		return {
			buffer,
			origin: internal.byteOffset
		};
	}
	exposeRange(mapping, length, start, count) {
		if (this.#prefersWhole(length)) return this.exposeWhole(mapping, length);
		if (count > MAX_VIEW_LENGTH) throw viewTooLarge(count, MAX_VIEW_LENGTH);
		let window = this.#window;
		if (window === void 0 || !covers(window, start, count)) {
			const [from, to] = this.#pagesOf(length, start, count);
			if (from === 0 && to === length) return this.exposeWhole(mapping, length);
			window = this.#makeWindow(mapping, length, from, to);
			if (window === void 0) return this.exposeWhole(mapping, length);
		}
		return {
			buffer: window.buffer,
			origin: window.internal.byteOffset - window.start
		};
	}
	internalBytes(mapping, length) {
		const whole = this.#whole;
		if (whole !== void 0 && whole.internal.length === length && faultCounter !== void 0) return whole.internal;
		this.#bytesTouched += 1;
		if (this.#bytesTouched < BYTES_BEFORE_BUFFER + length / LENGTH_PER_BYTE_BEFORE_BUFFER) return void 0;
		if (!this.#fitsOneBuffer(length)) return void 0;
		try {
			if (countedFaults() !== void 0) return this.#getWhole(mapping, length).internal;
		} catch {}
		this.#bytesTouched = NEVER$1;
	}
	internalWords() {
		const whole = this.#whole;
		if (whole === void 0) return void 0;
		const { internal } = whole;
		whole.words ??= new DataView(internal.buffer, internal.byteOffset, internal.length);
		return whole.words;
	}
	sharedWords() {
		const whole = this.#isShared() ? this.#whole : void 0;
		if (whole === void 0) return void 0;
		const { buffer, internal } = whole;
		whole.sharedWords ??= new Int32Array(buffer, 0, Math.floor((internal.byteOffset + internal.length) / 4));
		return {
			array: whole.sharedWords,
			origin: internal.byteOffset
		};
	}
	relocateEarly(mapping, length) {
		if (this.#whole !== void 0) return;
		if (!this.#isShared() && countedFaults() !== void 0) return;
		try {
			this.#getWhole(mapping, length);
		} catch {}
	}
	bufferForTask() {
		return this.#isShared() ? this.#whole?.buffer : void 0;
	}
	dropInternal(mapping) {
		if (this.#whole === void 0 || this.#exposure === "exposed" || this.#isShared()) return;
		binding.dropBuffer(mapping, this.#whole.buffer, this.#whole.id);
		this.#whole = void 0;
	}
	replaceMemory(mapping, change) {
		const whole = this.#whole;
		const isUsed = whole !== void 0 && this.#isUsedByOthers(whole);
		if (isUsed) this.#retire(whole);
		if (this.#window !== void 0) this.#retire(this.#window);
		const isInPlace = change();
		if (typeof isInPlace !== "boolean") throw isInPlace;
		if (isInPlace) return true;
		this.#whole = void 0;
		this.#exposure = "internal";
		this.#window = void 0;
		this.#costOfWindows = 0;
		try {
			if (whole !== void 0 && !isUsed) binding.dropBuffer(mapping, whole.buffer, whole.id);
		} catch {}
		return false;
	}
	grow(length) {
		const whole = this.#whole;
		if (whole === void 0 || whole.internal.length === length) return;
		const { id, buffer, internal, isRetired } = whole;
		const start = internal.byteOffset;
		growBuffer(buffer, start + length);
		const grown = mappedBuffer(id, buffer, 0, start, length);
		grown.isRetired = isRetired;
		this.#whole = grown;
	}
	close(mapping) {
		const whole = this.#whole;
		const isInternal = whole !== void 0 && !this.#isUsedByOthers(whole);
		if (whole !== void 0 && !isInternal) this.#retire(whole);
		if (this.#window !== void 0) this.#retire(this.#window);
		const isReusable = isInternal ? binding.closeAndDrop(mapping, whole.buffer, whole.id) : binding.close(mapping);
		this.#whole = void 0;
		this.#exposure = "internal";
		this.#window = void 0;
		return isReusable;
	}
	unmap(mapping) {
		this.dropInternal(mapping);
		if (this.#whole !== void 0) this.#retire(this.#whole);
		if (this.#window !== void 0) this.#retire(this.#window);
		const buffers = [];
		const ids = [];
		for (const { buffer, id } of this.#retired) {
			const alive = buffer.deref();
			if (alive === void 0) continue;
			buffers.push(alive);
			ids.push(id);
		}
		if (buffers.length !== 0) checked(binding.holdBuffers(mapping, buffers, ids));
		const refusal = binding.unmap(mapping, buffers, ids);
		this.#whole = void 0;
		this.#exposure = "internal";
		this.#window = void 0;
		this.#retired = [];
		return refusal;
	}
	#isShared() {
		return this.#kind !== "untried" && this.#kind !== "external";
	}
	#fitsOneBuffer(length) {
		return this.#isShared() || length + this.#lead % BUFFER_ALIGNMENT <= MAX_VIEW_LENGTH;
	}
	#prefersWhole(length) {
		if (this.#isShared() || length <= SHORT_MAPPING) return true;
		const whole = this.#whole;
		if (whole !== void 0 && whole.internal.length === length) return true;
		return this.#costOfWindows >= length && this.#fitsOneBuffer(length);
	}
	#pagesOf(length, start, count) {
		const first = Math.min(start, length - 1);
		const from = Math.max(first - (this.#lead + first) % PAGESIZE, 0);
		const stop = Math.max(start + count, first + 1);
		const beyond = (this.#lead + stop) % PAGESIZE;
		const to = beyond === 0 ? stop : Math.min(stop + PAGESIZE - beyond, length);
		return to - from > MAX_VIEW_LENGTH - BUFFER_ALIGNMENT ? [start, stop] : [from, to];
	}
	#makeWindow(mapping, length, from, to) {
		const window = this.#makeExternal(mapping, length, from, to - from);
		if (window === void 0) return void 0;
		if (this.#window !== void 0) this.#retire(this.#window);
		this.#window = window;
		this.#costOfWindows += COST_OF_WINDOW + (to - from) * COST_PER_BYTE;
		return window;
	}
	#getWhole(mapping, length) {
		const whole = this.#whole;
		if (whole === void 0 || isDetached(whole)) {
			if (length > MAX_VIEW_LENGTH && !this.#isShared()) throw viewTooLarge(length, MAX_VIEW_LENGTH);
			const made = this.#makeWhole(mapping, length);
			this.#whole = made;
			return made;
		}
		if (whole.internal.length !== length) this.grow(length);
		return this.#whole;
	}
	#makeWhole(mapping, length) {
		const external = this.#isShared() ? void 0 : this.#makeExternal(mapping, length, 0, length);
		if (external !== void 0) return external;
		const id = this.#buffersMade;
		this.#buffersMade += 1;
		return sharedBuffer(mapping, id, this.#lead, length, this.#maxByteLength);
	}
	#makeExternal(mapping, length, start, count) {
		const id = this.#buffersMade;
		this.#buffersMade += 1;
		if (length === 0) return mappedBuffer(id, /* @__PURE__ */ new ArrayBuffer(0), 0, 0, 0);
		const needed = count + (this.#lead + start) % BUFFER_ALIGNMENT;
		if (needed > MAX_VIEW_LENGTH) throw viewTooLarge(needed, MAX_VIEW_LENGTH);
		try {
			const buffer = checked(binding.buffer(mapping, id, false, start, count));
			this.#kind = "external";
			return mappedBuffer(id, buffer, start, buffer.byteLength - count, count);
		} catch (error) {
			if (this.#kind !== "untried" || !isNoView(error) || !this.#fitsOneBuffer(length)) throw error;
			this.#kind = sharedKind(void 0);
			return;
		}
	}
	#isUsedByOthers({ buffer }) {
		return this.#exposure === "exposed" || this.#isShared() && isUsedByTask(buffer);
	}
	#retire(retired) {
		if (retired.isRetired) return;
		if (this.#retired.length >= this.#pruneAt) {
			this.#retired = this.#retired.filter((other) => other.buffer.deref() !== void 0);
			this.#pruneAt = Math.max(2 * this.#retired.length, LEAST_TO_PRUNE);
		}
		const { id, buffer } = retired;
		const isEngineOwned = this.#kind === "relocated" || this.#kind === "growable";
		this.#retired.push({
			id,
			buffer: isEngineOwned ? { deref: () => buffer } : new WeakRef(buffer)
		});
		retired.isRetired = true;
	}
};
function covers({ start, internal }, from, count) {
	return from >= start && from + count <= start + internal.length && internal.length !== 0;
}
function isDetached({ internal, length }) {
	return internal.length === 0 && length !== 0;
}
function sharedKind(maxByteLength) {
	if (!CAN_RELOCATE) return "shared";
	return maxByteLength === void 0 ? "relocated" : "growable";
}
const DETACHABLE = 1;
const RELEASED = 2;
const NO_HANDLE = Object.freeze({});
const ACCESS_NAMES = [
	"ACCESS_DEFAULT",
	"ACCESS_READ",
	"ACCESS_WRITE",
	"ACCESS_COPY"
];
const NEWLINE$1 = 10;
const SHORT_SEARCH = 512;
const SHORT_COPY = 2048;
const BUFFER_LIMIT = 2 ** 32 - 1;
var Mapping = class {
	life = 0;
	handle;
	length;
	position = 0;
	access;
	offset;
	lead;
	views;
	#writesBack;
	#state;
	#direct;
	#faultsSeen = 0;
	constructor(request) {
		const { file, path, offset, tagname, shm, maxByteLength } = request;
		const isAnonymous = file === -1 && tagname === void 0 && shm === void 0;
		this.offset = offset;
		this.lead = isAnonymous ? 0 : offset % PAGESIZE;
		this.views = new Views(this.lead, request.shared, maxByteLength);
		this.#writesBack = request.writeBack;
		this.handle = closedHandle();
		this.length = open(this.handle, request);
		try {
			if (maxByteLength !== void 0 && maxByteLength < this.length) throw withPath(maxByteLengthTooShort(maxByteLength, this.length), path);
			this.access = request.access ?? checked(binding.access(this.handle));
			if (tagname !== void 0) leaveNamedRegionsAtExit();
			if (!isAnonymous) keepFaultHandler();
		} catch (error) {
			binding.close(this.handle);
			throw error;
		}
	}
	openHandle() {
		if (this.life !== 0) throw closed();
		return this.handle;
	}
	describe() {
		if (this.life !== 0) return "closed=true";
		return `closed=false, access=${ACCESS_NAMES[this.access]}, length=${this.length}, pos=${this.position}, offset=${this.offset}`;
	}
	byteAt(index) {
		const value = this.#direct?.[index];
		if (value === void 0) return this.#findByte(index);
		this.#checkIntact();
		return value;
	}
	#findByte(index) {
		const value = this.#directBytes()?.[index];
		if (value === void 0) return checked(binding.readByte(this.handle, index));
		this.#checkIntact();
		return value;
	}
	setByteAt(index, value) {
		const direct = this.#direct;
		if (direct === void 0 || index >= direct.length) this.#storeByte(index, value);
		else {
			this.#checkIntact();
			direct[index] = value;
			this.#checkIntact();
		}
	}
	#storeByte(index, value) {
		const direct = this.#directBytes();
		if (direct === void 0) checked(binding.writeByte(this.handle, index, value));
		else {
			this.#checkIntact();
			direct[index] = value;
			this.#checkIntact();
		}
	}
	set(bytes, count, position) {
		const direct = count <= SHORT_COPY ? this.#directBytes() : void 0;
		if (direct === void 0) checked(binding.write(this.handle, bytes, count, position, 1));
		else {
			this.#checkIntact();
			direct.set(bytes, position);
			this.#checkIntact();
		}
	}
	copy(position, count) {
		const copy = allocate(count);
		if (count === 0) return copy;
		const end = position + count;
		const direct = count <= SHORT_COPY && end <= BUFFER_LIMIT ? this.#directBytes() : void 0;
		if (direct === void 0) checked(binding.read(this.handle, copy, position));
		else {
			direct.copy(copy, 0, position, end);
			this.#checkIntact();
		}
		return copy;
	}
	copyStrided(start, step, count) {
		const copy = allocate(count);
		checked(binding.readStrided(this.handle, copy, start, step));
		return copy;
	}
	arrayBuffer(from, to) {
		const copy = allocateBuffer(to - from);
		if (to > from) checked(binding.read(this.handle, copy, from));
		return copy.buffer;
	}
	text(encoding, from, to) {
		const count = to - from;
		if (count <= 0) return "";
		if (count <= 2048) {
			const direct = this.#directBytes();
			const words = direct && this.views.internalWords();
			if (direct !== void 0 && words !== void 0) {
				const text = shortText(direct, words, encoding, from, to);
				this.#checkIntact();
				return text;
			}
		}
		refuseTooLong(encoding, count);
		return decode(this.copy(from, count), encoding, count);
	}
	pieces(start, stop, size) {
		const length = () => {
			this.openHandle();
			return this.length;
		};
		const copy = (from, to) => {
			this.openHandle();
			return new Uint8Array(this.arrayBuffer(from, to));
		};
		return new Pieces({
			length,
			copy
		}, start, stop, size);
	}
	find(needle, from, to) {
		const direct = to - from <= SHORT_SEARCH && to <= BUFFER_LIMIT ? this.#directBytes() : void 0;
		if (direct === void 0) return checked(binding.find(this.handle, needleBytes(needle), from, to));
		const found = to === direct.length ? direct.indexOf(needle, from) : indexWithin(direct, needle, from, to);
		this.#checkIntact();
		return found;
	}
	rfind(needle, from, to) {
		return checked(binding.rfind(this.handle, needleBytes(needle), from, to));
	}
	copyLine(from) {
		const found = this.find(NEWLINE$1, from, this.length);
		const stop = found === -1 ? this.length : found + 1;
		return this.copy(from, stop - from);
	}
	lineAt(position) {
		const start = this.rfind(NEWLINE$1, 0, position) + 1;
		const found = this.find(NEWLINE$1, position, this.length);
		return {
			start,
			stop: found === -1 ? this.length : found
		};
	}
	iterationSource() {
		this.#state ??= {
			generation: 0,
			faults: countedFaults() ?? new Uint32Array(1)
		};
		return {
			state: this.#state,
			check: () => {
				this.openHandle();
				this.#checkIntact();
			},
			handle: () => this.openHandle(),
			length: () => this.length,
			window: (start, stop) => this.#window(start, stop),
			copy: (start, stop) => {
				this.openHandle();
				return this.copy(start, stop - start);
			}
		};
	}
	viewOrCopy(from, to) {
		const window = this.#window(from, to);
		return window === void 0 ? this.copy(from, to - from) : new Uint8Array(window.buffer, window.origin + from, to - from);
	}
	runTask(options, total, start, isPart = false) {
		this.relocateEarly();
		return runTask({
			mapping: this.handle,
			options,
			total,
			buffer: this.views.bufferForTask(),
			start,
			isPart
		});
	}
	relocateEarly() {
		this.views.relocateEarly(this.handle, this.length);
	}
	resize(length) {
		this.views.dropInternal(this.handle);
		this.#replaceMemory(() => {
			const isInPlace = binding.resize(this.handle, length);
			return typeof isInPlace === "boolean" ? {
				inPlace: isInPlace,
				length
			} : isInPlace;
		});
	}
	remap(length) {
		this.#replaceMemory(() => binding.remap(this.handle, length));
	}
	#replaceMemory(change) {
		let { length } = this;
		const isInPlace = this.views.replaceMemory(this.handle, () => {
			const changed = change();
			if (!("inPlace" in changed)) return changed;
			length = changed.length;
			return changed.inPlace;
		});
		if (isInPlace && length === this.length) return;
		this.length = length;
		this.#direct = void 0;
		if (this.#state !== void 0) this.#state.generation += 1;
		if (!isInPlace) return;
		try {
			this.views.grow(length);
		} catch {}
	}
	close() {
		if (this.life !== 0) return;
		const { handle } = this;
		const error = this.#writesBack ? binding.writeBack(handle) : void 0;
		if (error !== void 0 && !isFault(error)) throw error;
		if (this.views.close(handle)) {
			if (handles.spareCount < handles.mostSpare) {
				handles.spare[handles.spareCount] = handle;
				handles.spareCount += 1;
			}
			this.life = RELEASED;
			this.handle = NO_HANDLE;
		} else this.life = DETACHABLE;
		this.#direct = void 0;
		handles.unclosed -= 1;
		if (this.#state !== void 0) this.#state.generation += 1;
		if (error !== void 0) throw error;
	}
	unmap() {
		if (this.life === RELEASED) return;
		const isOpen = this.life === 0;
		const { handle } = this;
		const error = isOpen && this.#writesBack ? binding.writeBack(handle) : void 0;
		const refusal = this.views.unmap(handle);
		if (isOpen) {
			this.#direct = void 0;
			handles.unclosed -= 1;
			if (this.#state !== void 0) this.#state.generation += 1;
		}
		if (refusal === void 0) {
			this.life = RELEASED;
			this.handle = NO_HANDLE;
		} else this.life = DETACHABLE;
		if (isShortage(refusal)) collectGarbageSoon();
		if (error !== void 0) throw error;
		if (refusal !== void 0) throw refusal;
	}
	#window(start, stop) {
		try {
			return this.views.exposeRange(this.openHandle(), this.length, start, stop - start);
		} catch (error) {
			if (isNoView(error)) return void 0;
			throw error;
		}
	}
	#directBytes() {
		const bytes = this.#direct;
		return bytes !== void 0 && bytes.length === this.length ? bytes : this.#findDirectBytes();
	}
	#findDirectBytes() {
		const bytes = this.views.internalBytes(this.handle, this.length);
		this.#direct = bytes;
		return bytes;
	}
	#checkIntact() {
		const faults = faultCounter === void 0 ? 0 : faultCounter[0];
		if (faults === this.#faultsSeen) return;
		checked(binding.checkIntact(this.handle));
		this.#faultsSeen = faults;
	}
};
function allocate(count) {
	if (count > node_buffer.constants.MAX_LENGTH) throw copyTooLong(count, node_buffer.constants.MAX_LENGTH);
	try {
		return Buffer.allocUnsafe(count);
	} catch {
		throw copyTooLong(count);
	}
}
function allocateBuffer(count) {
	try {
		return new Uint8Array(new ArrayBuffer(count));
	} catch {
		throw copyTooLong(count, count > node_buffer.constants.MAX_LENGTH ? node_buffer.constants.MAX_LENGTH : void 0);
	}
}
//#endregion
//#region src/sharing/waits.ts
const RESULTS = [
	"ok",
	"not-equal",
	"timed-out"
];
const ALL = 2 ** 32 - 1;
function resultOf(index) {
	return RESULTS[index] ?? "ok";
}
function look$1() {}
function wait({ handle }, position, value, timeout) {
	return resultOf(checked(binding.wait(handle, position, value, timeout, look$1)));
}
let lastNumber = 0;
async function waitAsync(mapping, position, value, { timeout, signal }) {
	mapping.relocateEarly();
	const { handle } = mapping;
	lastNumber = (lastNumber + 1) % ALL;
	const number = lastNumber;
	const begun = checked(binding.startWait(handle, position, value, timeout, number));
	if (typeof begun === "number") return resultOf(begun);
	const use = { buffer: mapping.views.bufferForTask() };
	let thrown;
	let stopListening;
	const abort = () => binding.abortWait(handle, number);
	try {
		buffersInUse.add(use);
		try {
			stopListening = signal?.onAbort(abort);
		} catch (error) {
			thrown = { error };
			abort();
		}
		const result = checked(await begun);
		if (thrown === void 0) return resultOf(result);
	} catch (error) {
		if (thrown === void 0) throw toUserError(error, signal);
	} finally {
		buffersInUse.delete(use);
		stopListening?.();
	}
	throw thrown.error;
}
function notify({ handle, views }, position, count) {
	const woken = checked(binding.notify(handle, position, Math.min(count, ALL)));
	const words = woken < count ? views.sharedWords() : void 0;
	if (words === void 0) return woken;
	return woken + Atomics.notify(words.array, (words.origin + position) / words.array.BYTES_PER_ELEMENT, count - woken);
}
//#endregion
//#region src/sharing/range-lock.ts
const SYNC_NAMES = ["mode", "timeout"];
const ASYNC_NAMES = [...SYNC_NAMES, "signal"];
const RANGE_NAMES = ["start", "stop"];
const MODES = ["exclusive", "shared"];
function lockArguments(start, stop, options, isSync) {
	const names = isSync ? SYNC_NAMES : ASYNC_NAMES;
	const method = isSync ? "lockRangeSync" : "lockRange";
	const hasRange = isOptions(start, stop, options);
	const all = hasRange ? optionsArgument(start, [...RANGE_NAMES, ...names], method) : optionsArgument(options, names, method);
	const { mode, timeout } = all;
	const signal = isSync ? void 0 : signalOption(all.signal);
	const request = {
		range: hasRange ? range(all.start, all.stop) : range(start, stop),
		mode: mode === void 0 ? "exclusive" : oneOf(mode, "mode", MODES),
		timeout: timeoutArgument(timeout, "timeout"),
		signal
	};
	refuseAborted(signal);
	return request;
}
let newLock;
let begin;
let hold;
addDisposeSymbols(class RangeLock {
	start;
	stop;
	mode;
	#mapping;
	#number = 0;
	static {
		newLock = (mapping, { range, mode }) => new RangeLock(mapping, lockBounds(range, mapping), mode);
		begin = (lock, looksOnce) => {
			const { start, stop, mode } = lock;
			const number = binding.lockRange(lock.#mapping.handle, start, stop, mode === "exclusive", looksOnce);
			if (typeof number !== "number") throw number;
			if (number <= 0) return -number;
			lock.#number = number;
			return 0;
		};
		hold = (lock, number) => {
			lock.#number = number;
			return lock;
		};
	}
	constructor(mapping, [start, stop], mode) {
		this.#mapping = mapping;
		this.start = start;
		this.stop = stop;
		this.mode = mode;
	}
	get released() {
		if (!(#number in this)) throw invalidLock();
		return this.#number === 0 || this.#mapping.life !== 0;
	}
	release() {
		if (!(#number in this)) throw invalidLock();
		if (this.#number === 0) return;
		const { handle, life } = this.#mapping;
		if (life === 0) binding.endRangeLock(handle, this.#number, false);
		this.#number = 0;
	}
	[Symbol.dispose]() {
		this.release();
	}
}.prototype);
function lockSync(mapping, request) {
	const { timeout } = request;
	const lock = newLock(mapping, request);
	const number = begin(lock, timeout === 0);
	if (number === 0) return lock.released ? null : lock;
	const { handle } = mapping;
	try {
		return checked(binding.waitForRangeLock(handle, number, timeout, look$1)) ? hold(lock, number) : null;
	} catch (error) {
		binding.endRangeLock(handle, number, false);
		throw error;
	}
}
async function lockAsync(mapping, request) {
	const { timeout, signal } = request;
	const lock = newLock(mapping, request);
	const number = begin(lock, timeout === 0);
	if (number === 0) return lock.released ? null : lock;
	const { handle } = mapping;
	const end = (isTimeout) => binding.endRangeLock(handle, number, isTimeout);
	let failure;
	let stopListening;
	let stopTimer;
	try {
		const settled = checked(binding.rangeLockPromise(handle, number));
		stopTimer = after(timeout, () => end(true));
		try {
			stopListening = signal?.onAbort(() => {
				failure ??= { error: aborted(signal.reason()) };
				end(false);
			});
		} catch (error) {
			failure = { error };
			end(false);
		}
		const isLocked = checked(await settled);
		if (failure === void 0) {
			if (mapping.life !== 0) throw closed();
			return isLocked ? hold(lock, number) : null;
		}
	} catch (error) {
		if (failure === void 0) throw toUserError(error, void 0);
	} finally {
		stopTimer?.();
		stopListening?.();
		if (lock.released) end(false);
	}
	throw failure.error;
}
const LONGEST_TIMER = 2 ** 31 - 1;
function after(milliseconds, call) {
	if (milliseconds === Number.POSITIVE_INFINITY) return void 0;
	let timer;
	const start = (left) => {
		const next = Math.min(left, LONGEST_TIMER);
		timer = (0, node_timers.setTimeout)(() => left > next ? start(left - next) : call(), next);
	};
	start(milliseconds);
	return () => (0, node_timers.clearTimeout)(timer);
}
const UNMATCHED = -1;
const UNKNOWN = -2;
const LATER = -3;
const AHEAD_GROWTH = 4;
const BLOCK$1 = 64;
var FoundMatches = class {
	mapping;
	pattern;
	rows;
	width;
	stop;
	count = 0;
	isLast = false;
	asked = 0;
	#lastAsked = -1;
	#blocks = [];
	#last = 0;
	#lastCount = 0;
	constructor(mapping, pattern, rows, width, stop) {
		this.mapping = mapping;
		this.pattern = pattern;
		this.rows = rows;
		this.width = width;
		this.stop = stop;
	}
	ask(at) {
		if (at === this.#lastAsked) return;
		this.#lastAsked = at;
		this.asked += 1;
	}
	groupNumber(at, index) {
		const width = widthOf(this.pattern);
		if (this.width === width) return this.rows[at + index];
		const number = at / this.width;
		const first = number - number % BLOCK$1;
		const block = this.#block(first, width);
		const row = (number - first) * width;
		if (block[row + 2] === LATER) this.#findGroups(block, row, number);
		return block[row + index];
	}
	#block(first, width) {
		const known = this.#blocks[first / BLOCK$1];
		if (known !== void 0) return known;
		const count = Math.min(BLOCK$1, this.count - first);
		const block = new Float64Array(count * width);
		for (let row = 0; row < count; row += 1) {
			const place = (first + row) * 2;
			block[row * width] = this.rows[place];
			block[row * width + 1] = this.rows[place + 1];
			block[row * width + 2] = LATER;
		}
		this.#blocks[first / BLOCK$1] = block;
		return block;
	}
	#findGroups(block, at, number) {
		const { mapping, pattern, stop } = this;
		const handle = mapping.openHandle();
		if (pattern === void 0) return;
		const wanted = number > this.#last && number <= this.#last + this.#lastCount ? this.#lastCount * AHEAD_GROWTH : 1;
		const count = Math.min(wanted, (block.length - at) / widthOf(pattern));
		this.#last = number;
		this.#lastCount = count;
		if (checked(binding.matchGroups(handle, pattern.native, block, at, count - 1, stop))) return;
		throw changed(block[at], block[at + 1]);
	}
};
function widthOf(pattern) {
	return ((pattern?.allGroups ?? 0) + 1) * 2;
}
let newMatch;
let numberAt;
let foundOf;
let rowOf$1;
let groupNumber;
var MmapMatch = class MmapMatch {
	#found;
	#at;
	static {
		newMatch = (found, at) => new MmapMatch(found, at);
		numberAt = (match, index) => {
			try {
				return match.#found.rows[match.#at + index];
			} catch {
				throw invalidThis("MmapMatch");
			}
		};
		foundOf = (match) => match.#found;
		rowOf$1 = (match) => match.#at;
		groupNumber = (match, index) => match.#found.groupNumber(match.#at, index);
	}
	constructor(found, at) {
		if (!(found instanceof FoundMatches)) throw wrongType("found", "that of a search: match() makes a match", found);
		this.#found = found;
		this.#at = at;
	}
	get index() {
		return numberAt(this, 0);
	}
	get end() {
		return numberAt(this, 1);
	}
	get length() {
		return numberAt(this, 1) - numberAt(this, 0);
	}
	get text() {
		return textOf(this, numberAt(this, 0), numberAt(this, 1));
	}
	get bytes() {
		const [start, end] = [numberAt(this, 0), numberAt(this, 1)];
		const mapping = openMapping(this);
		const stop = Math.min(end, mapping.length);
		return mapping.viewOrCopy(Math.min(start, stop), stop);
	}
	group(which) {
		return textOfGroup(this, which);
	}
	span(which) {
		return spanOfGroup(this, which);
	}
	get groups() {
		numberAt(this, 0);
		const names = foundOf(this).pattern?.names;
		if (names === void 0 || names.size === 0) return void 0;
		const groups = Object.create(null);
		for (const [name, numbers] of names) {
			const span = spanOfName(this, numbers);
			groups[name] = span === void 0 ? void 0 : textOf(this, span[0], span[1]);
		}
		return groups;
	}
	*[Symbol.iterator]() {
		numberAt(this, 0);
		const last = foundOf(this).pattern?.groups ?? 0;
		for (let which = 0; which <= last; which += 1) yield textOfGroup(this, which);
	}
	[node_util.inspect.custom]() {
		return #found in this ? `<memmap.MmapMatch index=${this.index}, end=${this.end}>` : "<memmap.MmapMatch>";
	}
	get [Symbol.toStringTag]() {
		return "MmapMatch";
	}
};
function openMapping(match) {
	const { mapping } = foundOf(match);
	mapping.openHandle();
	return mapping;
}
function textOf(match, start, end) {
	const mapping = openMapping(match);
	return mapping.text("utf8", start, Math.min(end, mapping.length));
}
function spanOfGroup(match, which) {
	const whole = numberAt(match, 0);
	const { pattern } = foundOf(match);
	if (typeof which === "number") {
		const last = pattern?.groups ?? 0;
		if (!Number.isInteger(which) || which < 0 || which > last) throw noSuchGroup(which, last);
		return which === 0 ? [whole, numberAt(match, 1)] : spanOf(match, which);
	}
	if (typeof which !== "string") throw wrongType("which", "of type number or string", which);
	const numbers = pattern?.names.get(which);
	if (numbers === void 0) throw noSuchName(which, pattern);
	return spanOfName(match, numbers);
}
function textOfGroup(match, which) {
	const span = spanOfGroup(match, which);
	return span === void 0 ? void 0 : textOf(match, span[0], span[1]);
}
function spanOf(match, which) {
	const start = groupStart(match, which);
	if (start === UNMATCHED) return void 0;
	if (start === UNKNOWN) throw outOfRange("The match is too long to look for its groups", "length", "at most 16 MiB", numberAt(match, 1) - numberAt(match, 0));
	const iterations = foundOf(match).pattern?.iterations[which] ?? [];
	for (const iteration of iterations) if (groupNumber(match, iteration * 2) > start) return void 0;
	return [start, groupNumber(match, which * 2 + 1)];
}
function groupStart(match, which) {
	foundOf(match).ask(rowOf$1(match));
	return groupNumber(match, which * 2);
}
function spanOfName(match, numbers) {
	for (const which of numbers) {
		const span = spanOf(match, which);
		if (span !== void 0) return span;
	}
}
function noSuchGroup(which, last) {
	return outOfRange("There is no such group", "which", last === 0 ? "0, because no groups were searched for" : `a whole number from 0 to ${last}`, which);
}
function noSuchName(which, pattern) {
	const names = [...pattern?.names.keys() ?? []].map((name) => `'${name}'`);
	return wrongValue(`The "which" argument must be ${names.length === 0 ? "a number, because no group has a name" : `a number or one of ${names.join(", ")}`}. Received '${which.slice(0, 25)}'`);
}
//#endregion
//#region src/search/iteration.ts
const DONE = Object.freeze({
	value: void 0,
	done: true
});
const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
function inheritHelpers(...classes) {
	for (const { prototype } of classes) Object.setPrototypeOf(prototype, iteratorPrototype);
}
//#endregion
//#region src/regexp/matches.ts
const FIRST_BATCH$2 = 1;
const BATCH_GROWTH = 4;
const LARGEST_BATCH$2 = 4096;
const LONGEST_WAIT = 20;
const MOST_NUMBERS = 8192;
const OFTEN = .5;
var BatchedMatches = class {
	none;
	#mapping;
	#request;
	#groups;
	#stop = 0;
	#isEager;
	#search;
	#room = FIRST_BATCH$2;
	constructor(mapping, request) {
		const { pattern, hasGroups } = request;
		this.#mapping = mapping;
		this.#request = request;
		this.#groups = hasGroups ? pattern : void 0;
		this.#isEager = hasGroups;
		this.none = new FoundMatches(mapping, void 0, new Float64Array(0), 2, 0);
	}
	get isEager() {
		return this.#isEager;
	}
	restart(from) {
		const { pattern, stop } = this.#request;
		const end = clamp(stop, this.#mapping.length);
		const start = Math.min(from, end);
		this.#stop = end;
		this.#search = checked(binding.newPatternSearch(pattern.native, start, end));
	}
	get search() {
		return this.#search;
	}
	nextBatch() {
		const width = this.#isEager ? widthOf(this.#groups) : 2;
		const room = Math.min(this.#room, Math.max(1, Math.floor(MOST_NUMBERS / width)));
		return new FoundMatches(this.#mapping, this.#groups, new Float64Array(room * width), width, this.#stop);
	}
	learn({ asked }, returned) {
		const { hasGroups, isEager } = this.#request;
		if (returned > 0 && isEager !== true) this.#isEager = hasGroups && asked >= returned * OFTEN;
	}
	adapt(started) {
		const took = node_perf_hooks.performance.now() - started;
		const room = took <= LONGEST_WAIT ? this.#room * BATCH_GROWTH : Math.floor(this.#room * LONGEST_WAIT / took);
		this.#room = Math.max(1, Math.min(room, LARGEST_BATCH$2));
	}
};
function filled(batch, result) {
	batch.isLast = result < 0;
	batch.count = result < 0 ? -1 - result : result;
	return batch;
}
function afterMatch({ rows }, at) {
	const [start, end] = [rows[at], rows[at + 1]];
	return end > start ? end : end + 1;
}
var MatchPlaces = class {
	batch;
	#source;
	#matches;
	#returned = 0;
	#next;
	#ended = false;
	#generation = -1;
	#faults;
	constructor(mapping, request) {
		this.#source = mapping.iterationSource();
		this.#matches = new BatchedMatches(mapping, request);
		this.batch = this.#matches.none;
		this.#next = request.start;
	}
	next() {
		const { state } = this.#source;
		if (!(this.#returned < this.batch.count && state.generation === this.#generation && state.faults[0] === this.#faults) && !this.#findMore()) return -1;
		this.#returned += 1;
		return (this.#returned - 1) * this.batch.width;
	}
	end() {
		this.#ended = true;
		this.#setBatch(this.#matches.none);
	}
	#setBatch(batch) {
		this.batch = batch;
		this.#returned = 0;
	}
	#findMore() {
		if (this.#ended) return false;
		this.#source.check();
		const { generation, faults } = this.#source.state;
		this.#faults = faults[0];
		const hasChanged = generation !== this.#generation;
		if (!hasChanged && this.#returned < this.batch.count) return true;
		if (this.#returned > 0) this.#next = afterMatch(this.batch, (this.#returned - 1) * this.batch.width);
		this.#matches.learn(this.batch, this.#returned);
		if (hasChanged) this.#matches.restart(this.#next);
		else if (this.batch.isLast) return false;
		this.#generation = -1;
		this.#setBatch(this.#matches.none);
		const { search, isEager } = this.#matches;
		if (search === void 0) return false;
		const batch = this.#matches.nextBatch();
		const started = node_perf_hooks.performance.now();
		const found = binding.nextMatches(this.#source.handle(), search, batch.rows, isEager);
		this.#setBatch(filled(batch, checked(found)));
		this.#generation = generation;
		this.#matches.adapt(started);
		return this.batch.count > 0;
	}
};
var PatternMatches = class {
	#places;
	constructor(mapping, request) {
		this.#places = new MatchPlaces(mapping, request);
	}
	next() {
		const places = this.#places;
		const at = places.next();
		if (at === -1) return this.return();
		return {
			value: newMatch(places.batch, at),
			done: false
		};
	}
	return() {
		this.#places.end();
		return DONE;
	}
	[Symbol.iterator]() {
		return this;
	}
};
var PatternMatchesAsync = class {
	#mapping;
	#source;
	#matches;
	#signal;
	#onProgress;
	#stopListening;
	#isAborted = false;
	#batch;
	#returned = 0;
	#upcoming;
	#next;
	#total;
	#ended = false;
	#generation = -1;
	constructor(mapping, request, total) {
		this.#mapping = mapping;
		this.#source = mapping.iterationSource();
		this.#matches = new BatchedMatches(mapping, request);
		this.#batch = this.#matches.none;
		this.#signal = request.task.signal;
		this.#onProgress = request.task.onProgress;
		this.#next = request.start;
		this.#total = total;
		this.#stopListening = this.#signal?.onAbort(() => {
			this.#isAborted = true;
			this.#upcoming?.stop();
		});
	}
	next() {
		return this.#returned < this.#batch.count && this.#source.state.generation === this.#generation && !this.#isAborted ? Promise.resolve(this.#take()) : this.#wait();
	}
	async return() {
		const running = this.#upcoming;
		this.#end();
		running?.stop();
		await running?.batch.catch(() => void 0);
		return DONE;
	}
	[Symbol.asyncIterator]() {
		return this;
	}
	async #wait() {
		for (;;) {
			if (this.#ended) return DONE;
			const search = this.#attempt(() => this.#follow());
			if (search === void 0) return this.#ended ? DONE : this.#take();
			let batch;
			try {
				batch = await search.batch;
			} catch (error) {
				if (this.#upcoming !== search) continue;
				this.#end();
				throw this.#isAborted && isAborted(error) ? aborted(this.#signal?.reason()) : error;
			}
			if (this.#upcoming !== search) continue;
			this.#upcoming = void 0;
			this.#replace(batch);
			if (batch.count === 0) this.#attempt(() => this.#finish());
		}
	}
	#attempt(step) {
		try {
			return step();
		} catch (error) {
			this.#end();
			throw error;
		}
	}
	#follow() {
		if (this.#isAborted) throw aborted(this.#signal?.reason());
		this.#source.check();
		const { generation } = this.#source.state;
		if (generation !== this.#generation) {
			this.#upcoming?.stop();
			this.#upcoming = void 0;
			this.#replace(this.#matches.none);
			this.#matches.restart(this.#next);
			this.#generation = generation;
		}
		if (this.#returned < this.#batch.count) return void 0;
		if (this.#batch.isLast) {
			this.#finish();
			return;
		}
		this.#upcoming ??= this.#begin();
		return this.#upcoming;
	}
	#take() {
		this.#returned += 1;
		const value = newMatch(this.#batch, (this.#returned - 1) * this.#batch.width);
		if (this.#returned === 1 && !this.#batch.isLast) this.#upcoming ??= this.#begin();
		return {
			value,
			done: false
		};
	}
	#begin() {
		const matches = this.#matches;
		const { isEager } = matches;
		const batch = matches.nextBatch();
		const room = batch.rows.length / batch.width;
		const started = node_perf_hooks.performance.now();
		const search = {
			batch: Promise.resolve(batch),
			stop: () => {}
		};
		const find = async () => {
			const { search: native } = matches;
			if (native === void 0) return filled(batch, -1);
			const options = {
				signal: void 0,
				onProgress: this.#onProgress,
				threads: 1
			};
			const start = (task) => {
				search.stop = () => binding.stopTask(task);
				return binding.startNextMatches(task, native, room, isEager);
			};
			const result = await this.#mapping.runTask(options, this.#total, start, true);
			checked(binding.takeMatches(native, batch.rows));
			matches.adapt(started);
			return filled(batch, result);
		};
		search.batch = find();
		search.batch.catch(() => void 0);
		return search;
	}
	#replace(batch) {
		if (this.#returned > 0) this.#next = afterMatch(this.#batch, (this.#returned - 1) * this.#batch.width);
		this.#matches.learn(this.#batch, this.#returned);
		this.#batch = batch;
		this.#returned = 0;
	}
	#finish() {
		this.#end();
		this.#onProgress?.({
			done: this.#total,
			total: this.#total
		});
	}
	#end() {
		this.#ended = true;
		this.#upcoming = void 0;
		this.#batch = this.#matches.none;
		this.#returned = 0;
		this.#stopListening?.();
		this.#stopListening = void 0;
	}
};
inheritHelpers(PatternMatches);
//#endregion
//#region src/regexp/code-points.ts
const LAST_CODE_POINT = 1114111;
const DIGITS = [[48, 57]];
const WORD = [
	...DIGITS,
	[65, 90],
	[95, 95],
	[97, 122]
];
function isSurrogate(code) {
	return code >= 55296 && code <= 57343;
}
function sorted(ranges) {
	const merged = [];
	for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
		const previous = merged.at(-1);
		if (previous !== void 0 && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
		else merged.push([first, last]);
	}
	return merged;
}
function complement(ranges, top) {
	const others = [];
	let next = 0;
	for (const [first, last] of sorted(ranges)) {
		if (first > next) others.push([next, first - 1]);
		next = last + 1;
	}
	if (next <= top) others.push([next, top]);
	return others;
}
function intersection(a, b) {
	return sorted(a.flatMap(([first, last]) => b.flatMap(([from, to]) => {
		const [start, end] = [Math.max(first, from), Math.min(last, to)];
		return start <= end ? [[start, end]] : [];
	})));
}
const NativeRegExp$1 = RegExp;
const nativeExec = RegExp.prototype.exec;
function nextMatch(re, text) {
	const match = Reflect.apply(nativeExec, re, [text]);
	return match === null ? void 0 : [match.index, re.lastIndex];
}
function matches(source, flags, text) {
	return nextMatch(new NativeRegExp$1(source, flags), text) !== void 0;
}
function isPattern(source, flags) {
	try {
		new NativeRegExp$1(source, flags);
		return true;
	} catch {
		return false;
	}
}
let everything;
const SINGLE_UNITS = 63488;
function allCodePoints() {
	const kept = everything?.deref();
	if (kept !== void 0) return kept.text;
	const units = new Uint16Array(SINGLE_UNITS + 2097152);
	let at = 0;
	for (let code = 0; code < 65536; code += 1) if (!isSurrogate(code)) units[at++] = code;
	for (let high = 55296; high < 56320; high += 1) for (let low = 56320; low < 57344; low += 1) {
		units[at++] = high;
		units[at++] = low;
	}
	const made = { text: Buffer.from(units.buffer).toString("utf16le") };
	everything = new WeakRef(made);
	return made.text;
}
function codePointOf(unit) {
	if (unit < 55296) return unit;
	return unit < SINGLE_UNITS ? unit + 2048 : 65536 + (unit - SINGLE_UNITS) / 2;
}
const answers = /* @__PURE__ */ new Map();
const MOST_ANSWERS = 64;
function matchedBy(source, flags) {
	const key = `${flags}${source}`;
	const known = answers.get(key);
	if (known !== void 0) return known;
	const re = new NativeRegExp$1(`(?:${source})+`, `${flags}g`);
	const text = allCodePoints();
	const ranges = [];
	for (let match = nextMatch(re, text); match !== void 0; match = nextMatch(re, text)) {
		const [start, end] = match;
		ranges.push([codePointOf(start), codePointOf(end - (end > SINGLE_UNITS ? 2 : 1))]);
	}
	remember(answers, key, ranges, MOST_ANSWERS);
	return ranges;
}
function remember(cache, key, value, most) {
	const oldest = cache.keys().next();
	if (cache.size >= most && !oldest.done) cache.delete(oldest.value);
	cache.set(key, value);
}
let cased;
const UPPER = [[65, 90]];
const LOWER = [[97, 122]];
const ASCII = [[0, 127]];
const BEYOND_ASCII = [[128, LAST_CODE_POINT]];
function withAsciiCases(ranges) {
	const lowered = intersection(ranges, UPPER).map(([first, last]) => [first + 32, last + 32]);
	const raised = intersection(ranges, LOWER).map(([first, last]) => [first - 32, last - 32]);
	return sorted([
		...ranges,
		...lowered,
		...raised
	]);
}
function withAllCases(ranges) {
	const all = withAsciiCases(ranges);
	if (intersection(all, [[115, 115]]).length > 0) all.push([383, 383]);
	if (intersection(all, [[107, 107]]).length > 0) all.push([8490, 8490]);
	if (intersection(ranges, BEYOND_ASCII).length > 0) all.push(...otherCases(ranges));
	return sorted(all);
}
function otherCases(ranges) {
	cased ??= matchedBy("[\\p{CWCF}\\p{CWL}\\p{CWU}\\p{CWT}]", "u").map(([first, last]) => String.fromCodePoint(...Array.from({ length: last - first + 1 }, (_, add) => first + add))).join("");
	const re = new NativeRegExp$1(`[${ranges.map(([first, last]) => `\\u{${first.toString(16)}}-\\u{${last.toString(16)}}`).join("")}]`, "giu");
	const found = [];
	for (let match = nextMatch(re, cased); match !== void 0; match = nextMatch(re, cased)) {
		const code = cased.codePointAt(match[0]);
		found.push([code, code]);
	}
	return found;
}
function isAscii(ranges) {
	return ranges.every(([, last]) => last < 128);
}
function beyondAscii(ranges) {
	return intersection(ranges, BEYOND_ASCII);
}
function inAscii(ranges) {
	return intersection(ranges, ASCII);
}
//#endregion
//#region src/regexp/tree.ts
const Look = {
	Start: 0,
	End: 1,
	LineStart: 2,
	LineEnd: 3,
	AnyLineStart: 4,
	AnyLineEnd: 5,
	WordBoundary: 6,
	NoWordBoundary: 7
};
const UNLIMITED = 4294967295;
const EMPTY = {
	kind: "empty",
	nullable: true,
	size: 1
};
function look(kind) {
	return {
		kind: "look",
		look: kind,
		nullable: true,
		size: 2
	};
}
function literal(bytes) {
	return {
		kind: "literal",
		bytes,
		nullable: false,
		size: 2 + bytes.length
	};
}
function set(kind, ranges) {
	return {
		kind,
		ranges,
		nullable: false,
		size: 2 + 2 * ranges.length
	};
}
const NEVER = set("bytes", []);
function group(index, part) {
	return {
		kind: "group",
		index,
		part,
		nullable: part.nullable,
		size: 2 + part.size
	};
}
function sequence(parts) {
	const joined = [];
	let bytes = [];
	for (const part of parts.flatMap((one) => one.kind === "sequence" ? one.parts : one.kind === "empty" ? [] : one)) if (part.kind === "literal") for (const byte of part.bytes) bytes.push(byte);
	else {
		if (bytes.length > 0) joined.push(literal(bytes));
		bytes = [];
		joined.push(part);
	}
	if (bytes.length > 0) joined.push(literal(bytes));
	const [first = EMPTY] = joined;
	if (joined.length < 2) return first;
	return {
		kind: "sequence",
		parts: joined,
		nullable: joined.every((part) => part.nullable),
		size: sizeOf(joined)
	};
}
function choice(parts) {
	const [first = NEVER] = parts;
	if (parts.length < 2) return first;
	return {
		kind: "choice",
		parts,
		nullable: parts.some((part) => part.nullable),
		size: sizeOf(parts)
	};
}
function sizeOf(parts) {
	return parts.reduce((sum, part) => sum + part.size, 2);
}
function repeated(part, times) {
	return {
		kind: "repetition",
		part,
		times,
		nullable: times.least === 0,
		size: 4 + part.size
	};
}
const MOST_WAYS = 100;
const MOST_PARTS = 200;
const MOST_COPIES = 1e3;
const LARGEST = 2 ** 20;
function repetition(part, times) {
	const { least, most, greedy } = times;
	if (most === 0) return EMPTY;
	if (!part.nullable) return repeated(part, times);
	if (least > MOST_COPIES || least * part.size > LARGEST) return void 0;
	const first = Array(least).fill(part);
	if (most === least) return sequence(first);
	const consuming = waysOf(part)?.flatMap((way) => way.isEmpty ? [] : way.node);
	if (consuming === void 0) return void 0;
	if (consuming.length === 0) return sequence(first);
	const more = most === 4294967295 ? UNLIMITED : most - least;
	return sequence([...first, repeated(choice(consuming), {
		least: 0,
		most: more,
		greedy
	})]);
}
function waysOf(node) {
	switch (node.kind) {
		case "empty":
		case "look": return [{
			isEmpty: true,
			node
		}];
		case "literal":
		case "bytes":
		case "characters": return [{
			isEmpty: false,
			node
		}];
		case "group": return waysOf(node.part)?.map((way) => ({
			isEmpty: way.isEmpty,
			node: group(node.index, way.node)
		}));
		case "choice": {
			const ways = [];
			for (const part of node.parts) {
				const some = waysOf(part);
				if (some === void 0 || ways.length + some.length > MOST_WAYS) return void 0;
				ways.push(...some);
			}
			return ways;
		}
		case "sequence": return waysOfSequence(node.parts);
		case "repetition": return waysOfRepetition(node.part, node.times, node);
	}
}
function waysOfSequence(parts) {
	if (parts.length > MOST_PARTS) return void 0;
	let ways = [{
		isEmpty: true,
		node: EMPTY
	}];
	for (let index = parts.length - 1; index >= 0; index -= 1) {
		const first = waysOf(parts[index]);
		if (first === void 0) return void 0;
		const rest = parts.slice(index + 1);
		const later = ways;
		ways = first.flatMap((way) => way.isEmpty ? later.map((next) => ({
			isEmpty: next.isEmpty,
			node: sequence([way.node, next.node])
		})) : [{
			isEmpty: false,
			node: sequence([way.node, ...rest])
		}]);
		if (ways.length > MOST_WAYS) return void 0;
	}
	return ways;
}
function waysOfRepetition(part, times, node) {
	if (times.least > 0) return [{
		isEmpty: false,
		node
	}];
	const some = {
		isEmpty: false,
		node: times.most === 1 ? part : repeated(part, {
			...times,
			least: 1
		})
	};
	const none = {
		isEmpty: true,
		node: EMPTY
	};
	return times.greedy ? [some, none] : [none, some];
}
//#endregion
//#region src/regexp/parser.ts
const SPACES = [[9, 13], [32, 32]];
const NEWLINE = [[10, 10]];
const DASH = [45, 45];
const NO_MODES = {
	ignoreCase: false,
	multiline: false,
	dotAll: false
};
const DEEPEST$1 = 100;
const LAST_BYTE = 255;
const SYNTAX_CHARACTERS = "^$\\.*+?()[]{}|/";
const LOOKAROUND = "cannot be searched in linear time. Search for more, and test the text of each match";
function parse(source, flags, purpose) {
	return new Parser(source, flags, purpose).parse();
}
var Parser = class {
	#source;
	#flags;
	#purpose;
	#unicode;
	#sets;
	#at = 0;
	#depth = 0;
	#groups = 0;
	#groupsInSource;
	#allGroups;
	#hasNames = false;
	#names = /* @__PURE__ */ new Map();
	#iterations = [[]];
	constructor(source, flags, purpose) {
		this.#source = source;
		this.#flags = flags;
		this.#purpose = purpose;
		this.#sets = flags.includes("v");
		this.#unicode = this.#sets || flags.includes("u");
		this.#groupsInSource = this.#countGroups();
		this.#allGroups = this.#groupsInSource;
	}
	parse() {
		const modes = {
			ignoreCase: this.#flags.includes("i"),
			multiline: this.#flags.includes("m"),
			dotAll: this.#flags.includes("s")
		};
		const tree = this.#choice(modes);
		if (this.#at < this.#source.length || this.#groups !== this.#groupsInSource) throw this.#unknown(this.#at);
		return {
			tree,
			groups: this.#groups,
			allGroups: this.#allGroups,
			names: this.#names,
			iterations: this.#iterations
		};
	}
	#refusal(construct, at, reason) {
		return notSearchable(this.#source, this.#flags, construct, at, reason);
	}
	#unknown(at) {
		return this.#refusal(`syntax ${this.#source.slice(at, at + 8) || "at its end"}`, at, "is not known to this version of memmap");
	}
	#peek(text) {
		return this.#source.startsWith(text, this.#at);
	}
	#eat(text) {
		if (!this.#peek(text)) return false;
		this.#at += text.length;
		return true;
	}
	#countGroups() {
		const source = this.#source;
		let count = 0;
		for (let at = 0; at < source.length; at += 1) if (source[at] === "\\") at += 1;
		else if (source[at] === "[") at = this.#classEnd(at) - 1;
		else if (source[at] === "(") {
			const isNamed = source.startsWith("?<", at + 1) && source[at + 3] !== "=" && source[at + 3] !== "!";
			if (isNamed) this.#hasNames = true;
			if (isNamed || source[at + 1] !== "?") count += 1;
		}
		return count;
	}
	#classEnd(start) {
		let depth = 0;
		for (let at = start; at < this.#source.length; at += 1) {
			const unit = this.#source[at];
			if (unit === "\\") at += 1;
			else if (unit === "[" && (this.#sets || depth === 0)) depth += 1;
			else if (unit === "]" && --depth === 0) return at + 1;
		}
		throw this.#unknown(start);
	}
	#choice(modes) {
		const parts = [this.#sequence(modes)];
		while (this.#eat("|")) parts.push(this.#sequence(modes));
		return choice(parts);
	}
	#sequence(modes) {
		const parts = [];
		while (this.#at < this.#source.length && !this.#peek("|") && !this.#peek(")")) parts.push(this.#term(modes));
		return sequence(parts);
	}
	#term(modes) {
		const { multiline } = modes;
		if (this.#eat("^")) return look(this.#startLook(multiline));
		if (this.#eat("$")) return this.#end(multiline);
		if (this.#eat("\\b")) return look(Look.WordBoundary);
		if (this.#eat("\\B")) return look(Look.NoWordBoundary);
		const start = this.#at;
		const groupsBefore = this.#groups;
		const atom = this.#atom(modes);
		const times = this.#quantifier();
		if (times === void 0) return atom;
		const repeated = repetition(this.#iteration(atom, times, groupsBefore), times);
		if (repeated !== void 0) return repeated;
		throw this.#refusal("repetition", start, "is of a part that can match nothing in too many ways. Simplify it");
	}
	#startLook(multiline) {
		if (multiline) return Look.AnyLineStart;
		return this.#purpose === "search" ? Look.Start : Look.LineStart;
	}
	#end(multiline) {
		if (multiline || this.#purpose === "crlf lines") return choice([look(Look.LineEnd), look(Look.AnyLineEnd)]);
		return look(this.#purpose === "search" ? Look.End : Look.LineEnd);
	}
	#iteration(atom, { most }, groupsBefore) {
		if (most < 2 || this.#groups === groupsBefore) return atom;
		this.#allGroups += 1;
		for (let index = groupsBefore + 1; index <= this.#groups; index += 1) this.#iterations[index]?.push(this.#allGroups);
		return group(this.#allGroups, atom);
	}
	#quantifier() {
		let times;
		if (this.#eat("*")) times = [0, UNLIMITED];
		else if (this.#eat("+")) times = [1, UNLIMITED];
		else if (this.#eat("?")) times = [0, 1];
		else if (this.#peek("{")) times = this.#braces();
		if (times === void 0) return void 0;
		return {
			least: times[0],
			most: times[1],
			greedy: !this.#eat("?")
		};
	}
	#braces() {
		const start = this.#at;
		this.#at += 1;
		const least = this.#number();
		const most = this.#eat(",") ? this.#number() ?? 4294967295 : least;
		if (least !== void 0 && most !== void 0 && this.#eat("}")) return [least, most];
		this.#at = start;
	}
	#number() {
		const start = this.#at;
		while (isDigit(this.#source[this.#at])) this.#at += 1;
		return start === this.#at ? void 0 : Math.min(Number(this.#source.slice(start, this.#at)), UNLIMITED - 1);
	}
	#atom(modes) {
		switch (this.#source[this.#at]) {
			case "(": return this.#group(modes);
			case ".":
				this.#at += 1;
				return this.#dot(modes);
			case "[": return this.#class(modes);
			case "\\": return this.#escape(modes);
			case "*":
			case "+":
			case "?": throw this.#unknown(this.#at);
			case "{":
			case "}":
			case "]": if (this.#unicode) throw this.#unknown(this.#at);
		}
		return this.#unitNode(this.#unit(false), modes);
	}
	#group(modes) {
		const start = this.#at;
		this.#at += 1;
		if (!this.#eat("?")) return this.#captured(void 0, start, modes);
		if (this.#eat(":")) return this.#inParentheses(start, modes);
		if (this.#peek("=")) throw this.#refusal("lookahead (?=...)", start, LOOKAROUND);
		if (this.#peek("!")) throw this.#refusal("negative lookahead (?!...)", start, LOOKAROUND);
		if (this.#peek("<=")) throw this.#refusal("lookbehind (?<=...)", start, LOOKAROUND);
		if (this.#peek("<!")) throw this.#refusal("negative lookbehind (?<!...)", start, LOOKAROUND);
		if (this.#eat("<")) return this.#captured(this.#name(start), start, modes);
		return this.#inParentheses(start, this.#modified(start, modes));
	}
	#captured(name, start, modes) {
		this.#groups += 1;
		const index = this.#groups;
		this.#iterations[index] = [];
		if (name !== void 0) this.#names.set(name, [...this.#names.get(name) ?? [], index]);
		return group(index, this.#inParentheses(start, modes));
	}
	#inParentheses(start, modes) {
		this.#depth += 1;
		if (this.#depth > DEEPEST$1) throw this.#refusal("group", start, `is nested in more than ${DEEPEST$1} others`);
		const node = this.#choice(modes);
		this.#depth -= 1;
		if (!this.#eat(")")) throw this.#unknown(this.#at);
		return node;
	}
	#name(start) {
		let name = "";
		while (!this.#eat(">")) {
			if (this.#at >= this.#source.length) throw this.#unknown(start);
			const isEscape = this.#eat("\\u");
			const code = isEscape ? this.#codeUnits(true) : this.#source.codePointAt(this.#at);
			if (code === void 0) throw this.#unknown(start);
			if (!isEscape) this.#at += code > 65535 ? 2 : 1;
			name += String.fromCodePoint(code);
		}
		return name;
	}
	#modified(start, modes) {
		const changed = { ...modes };
		let value = true;
		for (;;) if (this.#eat(":")) return changed;
		else if (value && this.#eat("-")) value = false;
		else if (this.#eat("i")) changed.ignoreCase = value;
		else if (this.#eat("m")) changed.multiline = value;
		else if (this.#eat("s")) changed.dotAll = value;
		else throw this.#unknown(start);
	}
	#bytes(ranges) {
		return set("bytes", this.#purpose === "search" ? sorted(ranges) : intersection(ranges, complement(NEWLINE, LAST_BYTE)));
	}
	#characters(ranges) {
		if (isAscii(ranges)) return this.#bytes(ranges);
		const without = [[55296, 57343]];
		if (this.#purpose !== "search") without.push(...NEWLINE);
		return set("characters", intersection(ranges, complement(without, LAST_CODE_POINT)));
	}
	#dot({ dotAll }) {
		const lineEnds = [...NEWLINE, [13, 13]];
		if (!this.#unicode) return this.#bytes(complement(dotAll ? [] : lineEnds, LAST_BYTE));
		return this.#characters(complement(dotAll ? [] : [...lineEnds, [8232, 8233]], LAST_CODE_POINT));
	}
	#unitNode({ code, isByte }, { ignoreCase }) {
		if (isSurrogate(code)) return NEVER;
		const isSingle = isByte || !this.#unicode && code < 128;
		const one = [[code, code]];
		const all = !ignoreCase ? one : !isSingle ? withAllCases(one) : code < 128 ? withAsciiCases(one) : one;
		if (all.length > 1) return this.#characters(all);
		if (code === 10 && this.#purpose !== "search") return NEVER;
		return literal(isSingle ? [code] : [...Buffer.from(String.fromCodePoint(code))]);
	}
	#escape(modes) {
		const start = this.#at;
		const letter = this.#source[start + 1] ?? "";
		const ranges = this.#classEscape(modes);
		if (ranges !== void 0) return this.#unicode ? this.#characters(ranges) : this.#bytes(ranges);
		const remedy = "cannot be searched in linear time. Write what it stands for, or test the text of each match";
		if (letter === "k" && (this.#unicode || this.#hasNames)) throw this.#refusal("backreference \\k<...>", start, remedy);
		if (isDigit(letter) && letter !== "0") {
			this.#at += 1;
			const number = this.#number() ?? 0;
			this.#at = start;
			if (this.#unicode || number <= this.#groupsInSource) throw this.#refusal(`backreference \\${number}`, start, remedy);
		}
		return this.#unitNode(this.#unit(false), modes);
	}
	#classEscape({ ignoreCase }) {
		const start = this.#at;
		const letter = this.#source[start + 1] ?? "";
		const top = this.#unicode ? LAST_CODE_POINT : LAST_BYTE;
		const isProperty = this.#unicode && (letter === "p" || letter === "P");
		if (!isProperty && !(letter !== "" && "dDsSwW".includes(letter))) return void 0;
		this.#at += 2;
		if (isProperty) return this.#property(start, ignoreCase);
		const lower = letter.toLowerCase();
		let ranges = lower === "d" ? DIGITS : lower === "w" ? WORD : SPACES;
		if (lower === "w" && this.#unicode && ignoreCase) ranges = withAllCases(WORD);
		if (lower === "s" && this.#unicode) ranges = matchedBy("\\s", "u");
		return letter === lower ? [...ranges] : complement(ranges, top);
	}
	#property(start, ignoreCase) {
		const end = this.#source.indexOf("}", start) + 1;
		if (end === 0 || !this.#peek("{")) throw this.#unknown(start);
		this.#at = end;
		const source = this.#source.slice(start, end);
		if (this.#sets) return this.#askSet(source, start, ignoreCase);
		const ranges = matchedBy(`\\p${source.slice(2)}`, "u");
		const all = source[1] === "P" ? complement(ranges, LAST_CODE_POINT) : ranges;
		return ignoreCase ? withAllCases(all) : all;
	}
	#askSet(source, start, ignoreCase) {
		if (!isPattern(`[^${source}]`, "v")) {
			const construct = source.includes("\\q{") ? "\\q{...} of several characters" : "property of strings";
			throw this.#refusal(construct, start, "is not supported. Write its strings as alternatives: (?:a|b)");
		}
		return matchedBy(source, ignoreCase ? "iv" : "v");
	}
	#unit(inClass) {
		if (!this.#eat("\\")) return {
			code: this.#codePoint(),
			isByte: false
		};
		const start = this.#at - 1;
		const letter = this.#source[this.#at] ?? "";
		const control = "tnvfr".indexOf(letter);
		if (letter !== "" && control !== -1) return this.#taken(1, [
			9,
			10,
			11,
			12,
			13
		][control]);
		if (inClass && letter === "b") return this.#taken(1, 8);
		if (letter === "c") {
			const code = this.#source.charCodeAt(this.#at + 1);
			const isLetter = (code | 32) >= 97 && (code | 32) <= 122;
			const isMore = inClass && !this.#unicode && (isDigit(this.#source[this.#at + 1]) || code === 95);
			if (isLetter || isMore) return this.#taken(2, code & 31);
			if (this.#unicode) throw this.#unknown(start);
			return {
				code: 92,
				isByte: false
			};
		}
		if (letter === "x") {
			const code = this.#hexadecimal(this.#at + 1, 2);
			if (code !== void 0) return {
				...this.#taken(3, code),
				isByte: !this.#unicode
			};
		}
		if (letter === "u") {
			this.#at += 1;
			const code = this.#codeUnits(this.#unicode);
			if (code !== void 0) return {
				code,
				isByte: false
			};
			this.#at -= 1;
		}
		if (this.#unicode) {
			if (letter === "0" && !isDigit(this.#source[this.#at + 1])) return this.#taken(1, 0);
			const allowed = inClass ? `${SYNTAX_CHARACTERS}-${this.#sets ? "&!#%,:;<=>@`~" : ""}` : SYNTAX_CHARACTERS;
			if (letter === "" || !allowed.includes(letter)) throw this.#unknown(start);
		} else if (letter >= "0" && letter <= "7") return this.#octal();
		return {
			code: this.#codePoint(),
			isByte: false
		};
	}
	#taken(count, code) {
		this.#at += count;
		return {
			code,
			isByte: false
		};
	}
	#codePoint() {
		const code = this.#source.codePointAt(this.#at);
		if (code === void 0) throw this.#unknown(this.#at);
		this.#at += code > 65535 ? 2 : 1;
		return code;
	}
	#hexadecimal(at, digits) {
		const text = this.#source.slice(at, at + digits);
		if (text.length !== digits) return void 0;
		for (const digit of text) if (!"0123456789abcdefABCDEF".includes(digit)) return void 0;
		return Number.parseInt(text, 16);
	}
	#codeUnits(braces) {
		if (braces && this.#peek("{")) {
			const end = this.#source.indexOf("}", this.#at);
			const code = end === -1 ? void 0 : this.#hexadecimal(this.#at + 1, end - this.#at - 1);
			this.#at = end + 1;
			return code;
		}
		const code = this.#hexadecimal(this.#at, 4);
		if (code === void 0) return void 0;
		this.#at += 4;
		if (code < 55296 || code > 56319 || !this.#peek("\\u")) return code;
		const low = this.#hexadecimal(this.#at + 2, 4) ?? 0;
		if (low < 56320 || low > 57343) return code;
		this.#at += 6;
		return 65536 + (code - 55296 << 10) + (low - 56320);
	}
	#octal() {
		const start = this.#at;
		let code = 0;
		while (this.#at < start + 3) {
			const digit = this.#source[this.#at] ?? "";
			if (digit < "0" || digit > "7" || code * 8 + Number(digit) > LAST_BYTE) break;
			code = code * 8 + Number(digit);
			this.#at += 1;
		}
		return {
			code,
			isByte: true
		};
	}
	#class(modes) {
		const start = this.#at;
		const end = this.#classEnd(start);
		this.#at += 1;
		const isNegated = this.#eat("^");
		const node = this.#unicode ? this.#characterClass(start, end, isNegated, modes) : this.#byteClass(start, end, isNegated, modes);
		this.#at = end;
		return node;
	}
	#characterClass(start, end, isNegated, modes) {
		const ranges = [];
		while (this.#at < end - 1) {
			const source = this.#source;
			const isOperator = source[this.#at] === "[" || this.#peek("&&") || this.#peek("--");
			const isEscapeOfSet = this.#peek("\\") && "pPDSWq".includes(source[this.#at + 1] ?? "");
			if (this.#sets && (isOperator || isEscapeOfSet)) return this.#characters(this.#askSet(source.slice(start, end), start, modes.ignoreCase));
			const escaped = this.#peek("\\") ? this.#classEscape(modes) : void 0;
			if (escaped !== void 0) {
				ranges.push(...escaped);
				continue;
			}
			const first = this.#unit(true).code;
			const isRange = this.#peek("-") && this.#at + 1 < end - 1 && !(this.#sets && this.#peek("--"));
			if (isRange) this.#at += 1;
			ranges.push([first, isRange ? this.#unit(true).code : first]);
		}
		const all = modes.ignoreCase ? withAllCases(ranges) : ranges;
		return this.#characters(isNegated ? complement(all, LAST_CODE_POINT) : all);
	}
	#byteClassMember() {
		return (this.#peek("\\") ? this.#classEscape(NO_MODES) : void 0) ?? this.#unit(true);
	}
	#byteClass(start, end, isNegated, { ignoreCase }) {
		let bytes = [];
		let characters = [];
		const add = (first, last) => {
			if (isSurrogate(first.code) || isSurrogate(last.code)) throw this.#refusal("half of a surrogate pair in a class", start, "is no character. Add the flag u");
			const range = [first.code, last.code];
			const [isFirstHigh, isLastHigh] = [first, last].map(({ code, isByte }) => isByte && code > 127);
			if (last.code < 128 || isLastHigh && (isFirstHigh || first.code < 128)) bytes.push(range);
			else if (isFirstHigh || isLastHigh) throw this.#refusal("range of a class", start, "has a byte at one end and a character at the other. Add the flag u for characters");
			else characters.push(range);
		};
		while (this.#at < end - 1) {
			const first = this.#byteClassMember();
			if (!this.#peek("-") || this.#at + 1 >= end - 1) {
				if (isUnit(first)) add(first, first);
				else bytes.push(...first);
				continue;
			}
			this.#at += 1;
			const last = this.#byteClassMember();
			if (isUnit(first) && isUnit(last)) {
				add(first, last);
				continue;
			}
			bytes.push(DASH);
			for (const member of [first, last]) if (isUnit(member)) add(member, member);
			else bytes.push(...member);
		}
		if (ignoreCase) {
			characters = withAllCases(characters);
			bytes = withAsciiCases(bytes);
		}
		bytes.push(...inAscii(characters));
		const others = beyondAscii(characters);
		if (others.length === 0) return this.#bytes(isNegated ? complement(bytes, LAST_BYTE) : bytes);
		if (isNegated) throw this.#refusal("negated class", start, `has a character beyond ASCII: is any other byte or any other character meant? Add the flag u for characters, or write bytes as \\xNN`);
		if (isAscii(bytes)) return this.#characters([...bytes, ...others]);
		return choice([this.#characters(others), this.#bytes(bytes)]);
	}
};
function isUnit(member) {
	return !Array.isArray(member);
}
function isDigit(text) {
	return text !== void 0 && text !== "" && text >= "0" && text <= "9";
}
//#endregion
//#region src/regexp/program.ts
const DEEPEST = 250;
function programOf(tree) {
	if (tree.size > LARGEST) return "it is too large: write it shorter, or search for parts of it";
	const program = [];
	return emit(tree, program, 0) ? Uint32Array.from(program) : "its groups and repetitions are nested too deeply";
}
function emit(node, program, depth) {
	if (depth > DEEPEST) return false;
	switch (node.kind) {
		case "empty":
			program.push(0);
			return true;
		case "literal":
			program.push(1, node.bytes.length);
			for (const byte of node.bytes) program.push(byte);
			return true;
		case "bytes":
		case "characters":
			program.push(node.kind === "bytes" ? 2 : 3, node.ranges.length);
			for (const [first, last] of node.ranges) program.push(first, last);
			return true;
		case "sequence":
		case "choice":
			program.push(node.kind === "sequence" ? 4 : 5, node.parts.length);
			return node.parts.every((part) => emit(part, program, depth + 1));
		case "group":
			program.push(6, node.index);
			return emit(node.part, program, depth + 1);
		case "repetition":
			program.push(7, node.times.least, node.times.most, node.times.greedy ? 1 : 0);
			return emit(node.part, program, depth + 1);
		case "look":
			program.push(8, node.look);
			return true;
	}
}
//#endregion
//#region src/regexp/pattern.ts
const NativeRegExp = RegExp;
const { compile } = RegExp.prototype;
const sourceOf = prototypeGetter("source");
const flagsOf = prototypeGetter("flags");
function prototypeGetter(name) {
	return Object.getOwnPropertyDescriptor(RegExp.prototype, name)?.get;
}
const patterns = /* @__PURE__ */ new Map();
const MOST_PATTERNS = 64;
function patternArgument(re, name = "re", purpose = "search") {
	if (!(0, node_util_types.isRegExp)(re)) throw notRegExp(re, name);
	const copy = Reflect.apply(compile, new NativeRegExp(""), [re]);
	const source = Reflect.apply(sourceOf, copy, []);
	const flags = Reflect.apply(flagsOf, copy, []);
	const key = `${purpose}/${flags}/${source}`;
	const known = patterns.get(key);
	if (known !== void 0) return known;
	const pattern = compiled(source, flags, purpose);
	remember(patterns, key, pattern, MOST_PATTERNS);
	return pattern;
}
function notRegExp(re, name) {
	const error = wrongType(name, "an instance of RegExp", re);
	if (typeof re === "string") error.message += ". For a fixed string use findAll(), find() or count(), for a pattern new RegExp(string)";
	return error;
}
const KNOWN_FLAGS = "dgimsuvy";
function compiled(source, flags, purpose) {
	for (const flag of flags) if (!KNOWN_FLAGS.includes(flag)) throw refusedPattern(source, flags, `memmap does not know its flag "${flag}"`);
	const { tree, ...groups } = parse(source, flags, purpose);
	const isSticky = flags.includes("y");
	const inLines = purpose !== "search";
	const program = programOf(isSticky && inLines ? sequence([look(Look.LineStart), tree]) : tree);
	if (typeof program === "string") throw refusedPattern(source, flags, program);
	const isUnicode = flags.includes("u") || flags.includes("v");
	const sticky = isSticky && !inLines;
	const native = binding.compilePattern(program, inLines ? 0 : groups.allGroups, isUnicode, sticky, inLines);
	if ((0, node_util_types.isNativeError)(native)) throw refusedPattern(source, flags, native.message);
	const matchesEmpty = purpose === "lines" && matches(source, flags, "");
	return {
		...groups,
		native,
		sticky,
		matchesEmpty
	};
}
//#endregion
//#region src/regexp/matching-lines.ts
const RETURN$2 = 13;
var MatchingLines = class {
	#mapping;
	#request;
	#places;
	#place = new Float64Array(2);
	#exactPlace = new Float64Array(2);
	constructor(mapping, request) {
		this.#mapping = mapping;
		this.#request = request;
		this.#places = request.reverse ? new PlacesBackwards(mapping, request) : new Places(mapping, request);
	}
	next() {
		for (;;) {
			if (!this.#places.next(this.#place)) return this.return();
			const start = this.#place[0];
			const end = this.#place[1];
			const { exact } = this.#request;
			if (exact === void 0) return {
				value: this.#line(start, end),
				done: false
			};
			const stop = this.#withoutReturn(start, end);
			if (stop > start ? this.#matches(exact, start, stop) : exact.matchesEmpty) return {
				value: this.#line(start, stop),
				done: false
			};
		}
	}
	#matches({ native }, start, stop) {
		return checked(binding.firstMatch(this.#mapping.openHandle(), native, this.#exactPlace, start, stop));
	}
	return() {
		this.#places.end();
		return DONE;
	}
	[Symbol.iterator]() {
		return this;
	}
	#line(start, end) {
		const { encoding } = this.#request;
		return encoding === void 0 ? this.#mapping.viewOrCopy(start, end) : this.#mapping.text(encoding, start, end);
	}
	#withoutReturn(start, end) {
		return end < clamp(this.#request.stop, this.#mapping.length) && end > start && this.#mapping.byteAt(end - 1) === RETURN$2 ? end - 1 : end;
	}
};
function matchRequest({ pattern, start, stop }, range) {
	return {
		pattern,
		hasGroups: false,
		start,
		stop,
		...range
	};
}
var Places = class {
	#places;
	constructor(mapping, request) {
		this.#places = new MatchPlaces(mapping, matchRequest(request));
	}
	next(place) {
		const at = this.#places.next();
		if (at === -1) return false;
		const { rows } = this.#places.batch;
		place[0] = rows[at];
		place[1] = rows[at + 1];
		return true;
	}
	end() {
		this.#places.end();
	}
};
const FIRST_BLOCK = 16 * 1024;
const BLOCK_GROWTH = 4;
const LARGEST_BLOCK = 1024 * 1024;
var PlacesBackwards = class {
	#mapping;
	#request;
	#source;
	#found = [];
	#before;
	#blockLength = FIRST_BLOCK;
	#ended = false;
	#generation = -1;
	#faults;
	constructor(mapping, request) {
		this.#mapping = mapping;
		this.#request = request;
		this.#source = mapping.iterationSource();
	}
	next(place) {
		if (this.#ended) return false;
		const { state } = this.#source;
		if (state.generation !== this.#generation || state.faults[0] !== this.#faults) this.#followMapping();
		while (this.#found.length === 0) if (!this.#findBlock()) return false;
		place[1] = this.#found.pop();
		place[0] = this.#found.pop();
		return true;
	}
	end() {
		this.#ended = true;
		this.#found = [];
	}
	#followMapping() {
		this.#source.check();
		const { generation, faults } = this.#source.state;
		this.#faults = faults[0];
		if (generation === this.#generation) return;
		this.#generation = generation;
		const end = this.#found.at(-1);
		this.#found = [];
		const stop = end === void 0 ? this.#before ?? this.#request.stop : end + 1;
		this.#before = clamp(stop, this.#mapping.length);
	}
	#findBlock() {
		const stop = this.#before ?? 0;
		const { start } = this.#request;
		if (stop <= start) return false;
		const handle = this.#source.handle();
		const least = stop - this.#blockLength;
		this.#blockLength = Math.min(this.#blockLength * BLOCK_GROWTH, LARGEST_BLOCK);
		const newline = least <= start ? -1 : checked(binding.rfind(handle, NEWLINE$2, start, Math.min(least + 1, stop - 1)));
		const from = newline === -1 ? start : newline + 1;
		const places = new MatchPlaces(this.#mapping, matchRequest(this.#request, {
			start: from,
			stop
		}));
		const found = [];
		for (let at = places.next(); at !== -1; at = places.next()) {
			const { rows } = places.batch;
			found.push(rows[at], rows[at + 1]);
		}
		this.#found = found;
		this.#before = from;
		return true;
	}
};
inheritHelpers(MatchingLines);
//#endregion
//#region src/regexp/replace.ts
const REMEDY = "Write the parts between the matches (matchAll) and the replacements to a new file instead";
function refuseUnfit({ native }, to, fill) {
	const [least, most] = [binding.shortestMatch(native), binding.longestMatch(native)];
	const length = byteLengthOf(to);
	if (least > most || (fill === -1 ? least === length && most === length : length <= least)) return;
	const lengths = least === most ? `${least}` : most === Number.POSITIVE_INFINITY ? `${least} or more` : `${least} to ${most}`;
	throw wrongValue(`The "to" argument must be ${fill === -1 ? "as long as each match" : "at most as long as the shortest match"}, and matches have ${lengths} bytes. Received ${length} bytes: ${fill === -1 ? "the option \"fill\" allows shorter ones, and a function makes one for each match" : REMEDY}`);
}
function replaceEach(mapping, request, { to, fill, check }) {
	const places = new MatchPlaces(mapping, {
		...request,
		isEager: true
	});
	let replaced = 0;
	let isUsers = false;
	try {
		for (let at = places.next(); at !== -1; at = places.next()) {
			const match = newMatch(places.batch, at);
			const { index, length } = match;
			isUsers = true;
			const value = to(match);
			isUsers = false;
			const bytes = fitted(bytesArgument(value, "to()"), length, fill);
			check();
			if (length > 0) checked(binding.write(mapping.handle, bytes, length, index, 1));
			replaced += 1;
		}
	} catch (error) {
		throw isUsers ? error : withReplaced(error, replaced);
	}
	return replaced;
}
function fitted(bytes, length, fill) {
	const count = byteLengthOf(bytes);
	if (count === length) return bytes;
	if (fill === -1 || count > length) throw wrongValue(`The "to()" argument must be ${fill === -1 ? `as long as the match, ${length} bytes` : `at most as long as the match, ${length} bytes`}. Received ${count} bytes. ${REMEDY}`);
	const filled = Buffer.alloc(length, fill);
	filled.set(bytes);
	return filled;
}
//#endregion
//#region src/search/matches.ts
const FIRST_BATCH$1 = 16;
const LARGEST_BATCH$1 = 4096;
const MOST_POSITIONS = 2 ** 31;
var BatchedSearch = class {
	batch = 0;
	base;
	stop = 0;
	ended = false;
	#source;
	#state;
	#faultCounter;
	#needle;
	#requestedStop;
	#places = new Int32Array(FIRST_BATCH$1);
	#count = 0;
	#returned = 0;
	#next = 0;
	#isLast = false;
	#generation = -1;
	#faults;
	constructor(source, needle, start, stop) {
		this.#source = source;
		this.#state = source.state;
		this.#faultCounter = source.state.faults;
		this.#needle = needle;
		this.base = start;
		this.#requestedStop = stop;
	}
	next() {
		const returned = this.#returned;
		if (returned === this.#count || this.#state.generation !== this.#generation || this.#faultCounter[0] !== this.#faults) return this.#findMore();
		this.#returned = returned + 1;
		return this.#places[returned];
	}
	end() {
		this.ended = true;
		this.#returned = this.#count;
	}
	#findMore() {
		if (this.ended) return -1;
		this.#source.check();
		this.#faults = this.#faultCounter[0];
		if (this.#generation !== this.#state.generation) {
			this.#generation = this.#state.generation;
			this.stop = clamp(this.#requestedStop, this.#source.length());
			this.#next = this.#returned === 0 ? this.base : this.#endOf(this.#returned - 1);
			this.#isLast = false;
			this.#find();
		} else if (this.#returned === this.#count) {
			if (this.#places.length < LARGEST_BATCH$1) this.#places = new Int32Array(this.#places.length * 4);
			this.#find();
		}
		if (this.#returned === this.#count) return -1;
		this.#returned += 1;
		return this.#places[this.#returned - 1];
	}
	#find() {
		while (!this.#isLast) {
			this.batch += 1;
			this.base = Math.min(this.#next, this.stop);
			this.#returned = 0;
			this.#count = 0;
			const reach = this.base + MOST_POSITIONS - 1 + this.#needle.length;
			const stop = Math.min(reach, this.stop);
			const count = checked(binding.findAll(this.#source.handle(), this.#needle, this.#places, this.base, stop));
			this.#count = count;
			const end = count === 0 ? 0 : this.#endOf(count - 1);
			const isFull = count === this.#places.length;
			this.#next = isFull ? end : Math.max(this.base + MOST_POSITIONS, end);
			this.#isLast = !isFull && stop === this.stop;
			if (count !== 0) return;
		}
	}
	#endOf(number) {
		return this.base + this.#places[number] + this.#needle.length;
	}
};
var Matches = class {
	#search;
	constructor(source, needle, start, stop) {
		this.#search = new BatchedSearch(source, needle, start, stop);
	}
	next() {
		const place = this.#search.next();
		return place === -1 ? this.return() : {
			value: this.#search.base + place,
			done: false
		};
	}
	return() {
		this.#search.end();
		return DONE;
	}
	[Symbol.iterator]() {
		return this;
	}
};
inheritHelpers(Matches);
//#endregion
//#region src/search/lines.ts
const NOWHERE = /* @__PURE__ */ new ArrayBuffer(0);
const FIRST_WINDOW = 64 * 1024;
const WINDOW_GROWTH = 16;
const LAST_SHORT_WINDOW = 16 * 1024 * 1024;
const LONGEST_WINDOW = MAX_VIEW_LENGTH - 8;
function nextWindowLength(length) {
	if (length === 0) return FIRST_WINDOW;
	return length < LAST_SHORT_WINDOW ? length * WINDOW_GROWTH : LONGEST_WINDOW;
}
const RETURN$1 = 13;
function withoutReturn(line) {
	const last = line.length - 1;
	return line[last] === RETURN$1 ? new Uint8Array(line.buffer, line.byteOffset, last) : line;
}
var Lines = class {
	#source;
	#search;
	#crlf;
	#start = 0;
	#base;
	#buffer = NOWHERE;
	#origin = 0;
	#generation = -1;
	#windowLength = 0;
	#batch = -1;
	#offset = 0;
	constructor(source, start, stop, crlf) {
		this.#source = source;
		this.#crlf = crlf;
		this.#search = new BatchedSearch(source, NEWLINE$2, start, stop);
		this.#base = start;
	}
	next() {
		const search = this.#search;
		const newline = search.next();
		if (newline === -1) return this.#lastLine();
		const start = this.#start;
		if (search.batch === this.#batch) try {
			const value = new Uint8Array(this.#buffer, this.#offset + start, newline - start);
			this.#start = newline + 1;
			return {
				value: this.#crlf ? withoutReturn(value) : value,
				done: false
			};
		} catch {}
		const from = this.#base + start;
		this.#base = search.base;
		this.#start = newline + 1;
		const value = this.#bytes(from, search.base + newline);
		return {
			value: this.#crlf ? withoutReturn(value) : value,
			done: false
		};
	}
	return() {
		this.#search.end();
		this.#buffer = NOWHERE;
		this.#generation = -1;
		this.#batch = -1;
		return DONE;
	}
	[Symbol.iterator]() {
		return this;
	}
	#lastLine() {
		const { ended, stop } = this.#search;
		const from = this.#base + this.#start;
		const value = !ended && from < stop ? this.#bytes(from, stop) : void 0;
		const done = this.return();
		return value === void 0 ? done : {
			value,
			done: false
		};
	}
	#bytes(from, to) {
		this.#batch = -1;
		let bytes = this.#inWindow(from, to);
		if (bytes === void 0) {
			this.#windowLength = nextWindowLength(this.#windowLength);
			const end = Math.min(from + this.#windowLength, this.#search.stop);
			const window = this.#source.window(from, Math.max(to, end));
			if (window === void 0) return this.#source.copy(from, to);
			this.#buffer = window.buffer;
			this.#origin = window.origin;
			this.#generation = this.#source.state.generation;
			bytes = new Uint8Array(window.buffer, window.origin + from, to - from);
		}
		this.#offset = this.#origin + this.#base;
		this.#batch = this.#search.batch;
		return bytes;
	}
	#inWindow(from, to) {
		if (this.#generation !== this.#source.state.generation) return void 0;
		try {
			return new Uint8Array(this.#buffer, this.#origin + from, to - from);
		} catch {
			return;
		}
	}
};
const BLOCK = 16 * 1024;
var NewlinesBackwards = class {
	#source;
	#start;
	#places = new Int32Array(BLOCK);
	#count = 0;
	#base;
	constructor(source, start, stop) {
		this.#source = source;
		this.#start = start;
		this.#base = stop;
	}
	before(position) {
		for (;;) {
			while (this.#count > 0) {
				const place = this.#base + this.#places[this.#count - 1];
				if (place < position) return place;
				this.#count -= 1;
			}
			const stop = Math.min(this.#base, position);
			if (stop <= this.#start) return -1;
			this.#base = Math.max(this.#start, stop - BLOCK);
			this.#count = checked(binding.findAll(this.#source.handle(), NEWLINE$2, this.#places, this.#base, stop));
		}
	}
};
var LinesBackwards = class {
	#source;
	#state;
	#start;
	#crlf;
	#newlines;
	#end;
	#ended = false;
	#buffer = NOWHERE;
	#origin = 0;
	#windowLength = 0;
	#generation = -1;
	#faults;
	constructor(source, start, stop, crlf) {
		this.#source = source;
		this.#state = source.state;
		this.#start = start;
		this.#crlf = crlf;
		this.#end = stop;
		this.#newlines = new NewlinesBackwards(source, start, start);
	}
	next() {
		if (this.#ended) return DONE;
		if (this.#state.generation !== this.#generation || this.#state.faults[0] !== this.#faults) this.#followMapping();
		const end = this.#end;
		if (end <= this.#start) return this.return();
		const last = this.#newlines.before(end);
		const isTerminated = last === end - 1;
		const to = isTerminated ? last : end;
		const before = isTerminated ? this.#newlines.before(last) : last;
		const from = before === -1 ? this.#start : before + 1;
		const bytes = this.#bytes(from, to);
		this.#end = from;
		return {
			value: this.#crlf && isTerminated ? withoutReturn(bytes) : bytes,
			done: false
		};
	}
	return() {
		this.#ended = true;
		this.#buffer = NOWHERE;
		return DONE;
	}
	[Symbol.iterator]() {
		return this;
	}
	#followMapping() {
		this.#source.check();
		this.#faults = this.#state.faults[0];
		if (this.#generation === this.#state.generation) return;
		this.#generation = this.#state.generation;
		this.#buffer = NOWHERE;
		this.#end = clamp(this.#end, this.#source.length());
		this.#newlines = new NewlinesBackwards(this.#source, this.#start, this.#end);
	}
	#bytes(from, to) {
		try {
			return new Uint8Array(this.#buffer, this.#origin + from, to - from);
		} catch {}
		this.#windowLength = nextWindowLength(this.#windowLength);
		const start = Math.max(to - this.#windowLength, this.#start);
		const window = this.#source.window(Math.min(from, start), to);
		if (window === void 0) return this.#source.copy(from, to);
		this.#buffer = window.buffer;
		this.#origin = window.origin;
		return new Uint8Array(window.buffer, window.origin + from, to - from);
	}
};
inheritHelpers(Lines, LinesBackwards);
//#endregion
//#region src/search/text-lines.ts
const FIRST_BATCH = 4 * 1024;
const LARGEST_BATCH = 64 * 1024;
var TextLines = class {
	#source;
	#state;
	#start;
	#requestedStop;
	#format;
	#lines = [];
	#returned = 0;
	#ended = false;
	#copy = Buffer.alloc(0);
	#copiedFrom = 0;
	#next = -1;
	#stop = 0;
	#buffer = Buffer.alloc(0);
	#generation = -1;
	#faults;
	constructor(source, start, stop, format) {
		this.#source = source;
		this.#state = source.state;
		this.#start = start;
		this.#requestedStop = stop;
		this.#format = format;
	}
	next() {
		const returned = this.#returned;
		if (returned === this.#lines.length || this.#state.generation !== this.#generation || this.#state.faults[0] !== this.#faults) return this.#checkedNext();
		this.#returned = returned + 1;
		return {
			value: this.#lines[returned],
			done: false
		};
	}
	return() {
		this.#ended = true;
		this.#lines = [];
		this.#returned = 0;
		this.#copy = this.#buffer = Buffer.alloc(0);
		this.#generation = -1;
		return DONE;
	}
	[Symbol.iterator]() {
		return this;
	}
	#checkedNext() {
		if (this.#ended) return DONE;
		this.#source.check();
		this.#faults = this.#state.faults[0];
		if (this.#generation !== this.#state.generation) this.#restart();
		if (this.#returned === this.#lines.length) this.#fill();
		if (this.#returned === this.#lines.length) return this.return();
		this.#returned += 1;
		return {
			value: this.#lines[this.#returned - 1],
			done: false
		};
	}
	#restart() {
		const isFirst = this.#generation === -1;
		this.#generation = this.#state.generation;
		this.#stop = clamp(this.#requestedStop, this.#source.length());
		const { reverse } = this.#format;
		if (isFirst) this.#next = reverse ? this.#stop : this.#start;
		else if (this.#returned !== this.#lines.length) {
			const before = reverse ? this.#lines.length - this.#returned : this.#returned;
			let at = 0;
			for (let line = 0; line < before; line += 1) at = this.#copy.indexOf(NEWLINE_BYTE, at) + 1;
			this.#next = this.#copiedFrom + at;
		}
		if (reverse) this.#next = Math.min(this.#next, this.#stop);
		this.#lines = [];
		this.#returned = 0;
	}
	#fill() {
		this.#returned = 0;
		this.#lines = [];
		const { encoding, crlf, reverse } = this.#format;
		if (!(reverse ? this.#copyBefore() : this.#copyAfter())) return;
		const text = decode(this.#copy, encoding, this.#copy.length);
		const lines = text.split("\n");
		const isTerminated = lines.at(-1) === "";
		if (isTerminated) lines.pop();
		if (crlf && text.includes("\r\n")) dropReturns(lines, isTerminated ? lines.length : lines.length - 1);
		this.#lines = reverse ? lines.reverse() : lines;
	}
	#copyAfter() {
		const from = this.#next;
		const left = this.#stop - from;
		if (left <= 0) return false;
		const copy = this.#read(from, Math.min(left, this.#batchSize()));
		const end = copy.length === left ? left : copy.lastIndexOf(NEWLINE_BYTE) + 1;
		if (end !== 0) this.#copy = copy.subarray(0, end);
		else {
			const newline = checked(binding.find(this.#source.handle(), NEWLINE$2, from + copy.length, this.#stop));
			this.#copyLong(from, newline === -1 ? this.#stop : newline + 1);
		}
		this.#copiedFrom = from;
		this.#next = from + this.#copy.length;
		return true;
	}
	#copyBefore() {
		const to = this.#next;
		const left = to - this.#start;
		if (left <= 0) return false;
		const size = Math.min(left, this.#batchSize());
		const copy = this.#read(to - size, size);
		const newline = size === left ? -1 : copy.indexOf(NEWLINE_BYTE);
		if (size === left || newline !== -1 && newline !== size - 1) this.#copy = copy.subarray(newline + 1);
		else {
			const before = checked(binding.rfind(this.#source.handle(), NEWLINE$2, this.#start, to - size));
			this.#copyLong(before === -1 ? this.#start : before + 1, to);
		}
		this.#copiedFrom = to - this.#copy.length;
		this.#next = this.#copiedFrom;
		return true;
	}
	#batchSize() {
		const last = this.#buffer.length;
		if (last < LARGEST_BATCH) this.#buffer = Buffer.allocUnsafeSlow(last === 0 ? FIRST_BATCH : last * 4);
		return this.#buffer.length;
	}
	#read(from, size) {
		const copy = this.#buffer.subarray(0, size);
		checked(binding.read(this.#source.handle(), copy, from));
		return copy;
	}
	#copyLong(from, to) {
		refuseTooLong(this.#format.encoding, to - from);
		this.#copy = this.#source.copy(from, to);
	}
};
const NEWLINE_BYTE = 10;
const RETURN = 13;
function dropReturns(lines, count) {
	for (let index = 0; index < count; index += 1) {
		const line = lines[index];
		if (line.charCodeAt(line.length - 1) === RETURN) lines[index] = line.slice(0, -1);
	}
}
inheritHelpers(TextLines);
//#endregion
//#region src/views/view-types.ts
const ELEMENT_SIZES = new Map([[DataView, 1], [Buffer, 1]]);
for (const name of Object.getOwnPropertyNames(globalThis)) {
	if (!/^(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array$/.test(name)) continue;
	const type = Reflect.get(globalThis, name);
	ELEMENT_SIZES.set(type, type.BYTES_PER_ELEMENT);
}
function elementSize(type) {
	for (let base = type; typeof base === "function" && !(0, node_util_types.isProxy)(base); base = Object.getPrototypeOf(base)) {
		const size = ELEMENT_SIZES.get(base);
		if (size !== void 0) return size;
	}
}
function isConstructor(type) {
	if (ELEMENT_SIZES.has(type)) return true;
	try {
		Reflect.construct(new Proxy(type, BUILDS_NOTHING), []);
		return true;
	} catch {
		return false;
	}
}
const BUILDS_NOTHING = { construct: () => ({}) };
function construct(type, ...args) {
	if (type === Buffer) return Reflect.construct(Uint8Array, args, Buffer);
	return new type(...args);
}
//#endregion
//#region src/identity.ts
const IDENTITY = Symbol("memmap.identity");
let mappings = 0;
let markAsUncloneable = null;
function giveIdentity(object) {
	mappings += 1;
	Reflect.set(object, IDENTITY, mappings);
	if (markAsUncloneable === null) markAsUncloneable = uncloneableMark();
	markAsUncloneable?.(object);
}
function uncloneableMark() {
	if (Number.parseInt(process.versions.node, 10) < 22) return void 0;
	return require("node:worker_threads").markAsUncloneable;
}
//#endregion
//#region src/mmap/state.ts
let mappingOf;
let live;
var MmapState = class {
	#mapping;
	static {
		mappingOf = (mm) => {
			try {
				return mm.#mapping;
			} catch {
				throw invalidThis();
			}
		};
		live = (mm) => {
			let mapping;
			try {
				mapping = mm.#mapping;
			} catch {
				throw invalidThis();
			}
			if (mapping.life !== 0) throw closed();
			return mapping;
		};
	}
	constructor(file, length, options) {
		const request = mmapRequest(file, length, options);
		giveIdentity(this);
		this.#mapping = new Mapping(request);
	}
	get length() {
		return live(this).length;
	}
	get offset() {
		return live(this).offset;
	}
	get access() {
		return live(this).access;
	}
	get created() {
		return checked(binding.created(live(this).handle));
	}
	get closed() {
		return mappingOf(this).life !== 0;
	}
	get fd() {
		return checked(binding.descriptor(live(this).handle));
	}
	[node_util.inspect.custom](_depth, options) {
		if (!(#mapping in this)) return "<memmap.Mmap>";
		const text = `<memmap.Mmap ${this.#mapping.describe()}>`;
		const stylize = options?.stylize;
		return typeof stylize === "function" ? stylize(text, "special") : text;
	}
	[Symbol.toPrimitive](hint) {
		throw noPrimitive(hint);
	}
	get [Symbol.toStringTag]() {
		return "Mmap";
	}
};
function writable(mm) {
	const mapping = live(mm);
	if (mapping.access === 1) throw readOnly();
	return mapping;
}
function liveRange(mm, range) {
	const mapping = live(mm);
	const [from, to] = rangeFromStart(range, mapping.length);
	return [
		mapping,
		from,
		to
	];
}
//#endregion
//#region src/mmap/memory.ts
var MmapMemory = class extends MmapState {
	get bytes() {
		const { views, handle, length } = live(this);
		return views.exposeBytes(handle, length);
	}
	get buffer() {
		const { views, handle, length } = live(this);
		return views.exposeWhole(handle, length).buffer;
	}
	view(type, byteOffset = 0, length) {
		const size = elementSize(type);
		if (size === void 0 || !isConstructor(type)) throw wrongType("type", "a typed array class, DataView or Buffer", type);
		const from = wholeNumber(byteOffset, "byteOffset");
		const elements = optionalWholeNumber(length, "length");
		const mapping = live(this);
		const count = elementCount({
			byteOffset: from,
			length: elements,
			size
		}, mapping.lead, mapping.length);
		const { buffer, origin } = mapping.views.exposeRange(mapping.handle, mapping.length, from, count * size);
		return construct(type, buffer, origin + from, count);
	}
	toString(encoding = "utf8", start, stop) {
		const checkedEncoding = textEncoding(encoding);
		const range = {
			start: optionalBound(start, "start") ?? 0,
			stop: optionalBound(stop, "stop")
		};
		const mapping = live(this);
		const [from, to] = rangeFromCursor(range, 0, mapping.length);
		return mapping.text(checkedEncoding, from, to);
	}
	arrayBuffer(start, stop) {
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		return mapping.arrayBuffer(from, to);
	}
	stream(options) {
		const { start, stop, chunkSize } = streamOptions(options);
		return streamOf(live(this).pieces(start, stop, chunkSize));
	}
	[Symbol.asyncIterator]() {
		const { start, stop, chunkSize } = streamOptions(void 0);
		return new BufferIterator(live(this).pieces(start, stop, chunkSize));
	}
	valueOf() {
		mappingOf(this);
		return this.bytes;
	}
	at(index) {
		const position = wholeNumber(index, "index");
		const mapping = live(this);
		return mapping.byteAt(byteIndex(position, mapping.length));
	}
	setAt(index, value) {
		const position = wholeNumber(index, "index");
		const byte = wholeNumber(value, "value");
		const mapping = writable(this);
		const at = byteIndex(position, mapping.length);
		refuseWrongItem(byte);
		mapping.setByteAt(at, byte);
	}
	slice(start, stop, step) {
		const bounds = sliceBounds(start, stop, step);
		const mapping = live(this);
		const slice = adjustSlice(bounds, mapping.length);
		if (slice.step === 1) return mapping.copy(slice.start, slice.count);
		return mapping.copyStrided(slice.start, slice.step, slice.count);
	}
	setSlice(data, start, stop, step) {
		const bytes = bytesArgument(data, "data");
		const bounds = sliceBounds(start, stop, step);
		const mapping = writable(this);
		const slice = adjustSlice(bounds, mapping.length);
		const count = byteLengthOf(bytes);
		refuseWrongSize(count, slice);
		if (count !== 0) checked(binding.write(mapping.handle, bytes, count, slice.start, slice.step));
	}
	set(data, position = 0) {
		const bytes = bytesArgument(data, "data");
		const at = wholeNumber(position, "position");
		const mapping = writable(this);
		const count = byteLengthOf(bytes);
		if (at < 0 || at > mapping.length - count) throw misfit(count, at, mapping.length);
		mapping.set(bytes, count, at);
		return count;
	}
	move(dest, src, count) {
		const to = wholeNumber(dest, "dest");
		const from = wholeNumber(src, "src");
		const bytes = wholeNumber(count, "count");
		const mapping = writable(this);
		refuseMove(to, from, bytes, mapping.length);
		checked(binding.copyWithin(mapping.handle, to, from, bytes));
	}
	fill(value, start, stop) {
		const pattern = needleArgument(value, "value");
		const bounds = sliceBounds(start, stop, void 0);
		const mapping = writable(this);
		if (byteLengthOf(pattern) === 0) throw outOfRange("fill out of range", "value", "at least one byte long", "0 bytes");
		const slice = adjustSlice(bounds, mapping.length);
		checked(binding.fill(mapping.handle, pattern, slice.start, slice.count));
		return this;
	}
	*[Symbol.iterator]() {
		for (let index = 0;; index += 1) {
			const mapping = live(this);
			if (index >= mapping.length) return;
			yield mapping.byteAt(index);
		}
	}
};
//#endregion
//#region src/mmap/cursor.ts
var MmapCursor = class extends MmapMemory {
	read(n) {
		const most = n === null || n === void 0 ? -1 : wholeNumber(n, "n");
		const mapping = live(this);
		const { position } = mapping;
		const left = Math.max(mapping.length - position, 0);
		const count = most < 0 ? left : Math.min(most, left);
		const copy = mapping.copy(position, count);
		mapping.position = position + count;
		return copy;
	}
	readByte() {
		const mapping = live(this);
		const { position } = mapping;
		refuseEnd(position, mapping.length, "read byte out of range");
		const value = mapping.byteAt(position);
		mapping.position = position + 1;
		return value;
	}
	readLine() {
		const mapping = live(this);
		const { position } = mapping;
		if (position >= mapping.length) return Buffer.alloc(0);
		const line = mapping.copyLine(position);
		mapping.position = position + line.length;
		return line;
	}
	write(data) {
		const bytes = bytesArgument(data, "data");
		const mapping = writable(this);
		const count = byteLengthOf(bytes);
		refuseOverrun(count, mapping.position, mapping.length);
		checked(binding.write(mapping.handle, bytes, count, mapping.position, 1));
		mapping.position += count;
		return count;
	}
	writeByte(value) {
		const byte = wholeNumber(value, "value");
		refuseWrongByte(byte);
		const mapping = writable(this);
		refuseEnd(mapping.position, mapping.length, "write byte out of range");
		mapping.setByteAt(mapping.position, byte);
		mapping.position += 1;
	}
	seek(position, whence = 0) {
		const distance = wholeNumber(position, "position");
		const base = int32(whence, "whence");
		const mapping = live(this);
		mapping.position = seekTarget(distance, base, mapping.position, mapping.length);
		return mapping.position;
	}
	seekable() {
		return true;
	}
	tell() {
		return live(this).position;
	}
};
//#endregion
//#region src/mmap/search.ts
var MmapSearch = class extends MmapCursor {
	find(needle, start, stop) {
		const bytes = cachedNeedleBytes(needle);
		const range = rangeArguments(start, stop);
		const mapping = live(this);
		const [from, to] = rangeFromCursor(range, mapping.position, mapping.length);
		return to < from ? -1 : mapping.find(bytes, from, to);
	}
	rfind(needle, start, stop) {
		const bytes = bytesArgument(needle, "needle");
		const range = rangeArguments(start, stop);
		const mapping = live(this);
		const [from, to] = rangeFromCursor(range, mapping.position, mapping.length);
		return to < from ? -1 : mapping.rfind(bytes, from, to);
	}
	indexOf(needle, start) {
		const bytes = needleOf(needle);
		const from = optionalBound(start, "start") ?? 0;
		const mapping = live(this);
		return mapping.find(bytes, clamp(from, mapping.length), mapping.length);
	}
	lastIndexOf(needle, start) {
		const bytes = needleArgument(needle, "needle");
		const bound = optionalBound(start, "start") ?? Number.POSITIVE_INFINITY;
		const mapping = live(this);
		const last = lastStop(bound, byteLengthOf(bytes), mapping.length);
		return last === void 0 ? -1 : mapping.rfind(bytes, 0, last);
	}
	includes(needle, start) {
		mappingOf(this);
		return this.indexOf(needle, start) !== -1;
	}
	findAll(needle, start, stop) {
		const bytes = bytesArgument(needle, "needle");
		const range = rangeArguments(start, stop);
		const mapping = live(this);
		refuseEmpty(bytes, "needle");
		const from = clamp(range.start ?? 0, mapping.length);
		const to = range.stop ?? Number.POSITIVE_INFINITY;
		return new Matches(mapping.iterationSource(), new Uint8Array(bytes), from, to);
	}
	count(needle, start, stop) {
		if ((0, node_util_types.isRegExp)(needle)) {
			const { native } = patternArgument(needle, "needle");
			const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
			return checked(binding.countMatches(mapping.handle, native, from, to));
		}
		const bytes = bytesArgument(needle, "needle");
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		refuseEmpty(bytes, "needle");
		return checked(binding.count(mapping.handle, bytes, from, to));
	}
	replaceAll(from, to, start, stop, options) {
		if ((0, node_util_types.isRegExp)(from)) {
			const pattern = patternArgument(from, "from");
			const replacement = typeof to === "function" ? to : bytesArgument(to, "to");
			const [range, fill] = replaceArguments(start, stop, options);
			const [mapping, first, last] = liveRange(this, range);
			writable(this);
			if (typeof replacement === "function") return replaceEach(mapping, {
				pattern,
				hasGroups: true,
				start: first,
				stop: last
			}, {
				to: replacement,
				fill,
				check: () => writable(this)
			});
			refuseUnfit(pattern, replacement, fill);
			return checked(binding.replaceMatches(mapping.handle, pattern.native, replacement, fill, first, last));
		}
		const old = bytesArgument(from, "from");
		const replacement = bytesArgument(to, "to");
		const [mapping, first, last] = liveRange(this, rangeArguments(start, stop));
		writable(this);
		refuseUnequal(old, replacement);
		return checked(binding.replaceAll(mapping.handle, old, replacement, first, last));
	}
	lines(options) {
		const { start, stop, encoding, crlf, reverse, matching } = linesOptions(options);
		if (matching !== void 0) {
			const pattern = patternArgument(matching, "matching", crlf ? "crlf lines" : "lines");
			const exact = crlf ? patternArgument(matching, "matching", "lines") : void 0;
			const mapping = live(this);
			const request = {
				pattern,
				exact,
				start: clamp(start, mapping.length),
				stop,
				encoding,
				reverse
			};
			if (encoding !== void 0) return new MatchingLines(mapping, request);
			return new MatchingLines(mapping, request);
		}
		const mapping = live(this);
		const source = mapping.iterationSource();
		const from = clamp(start, mapping.length);
		if (encoding !== void 0) return new TextLines(source, from, stop, {
			encoding,
			crlf,
			reverse
		});
		return reverse ? new LinesBackwards(source, from, stop, crlf) : new Lines(source, from, stop, crlf);
	}
	lineAt(position) {
		const at = wholeNumber(position, "position");
		const mapping = live(this);
		refuseOutside(at, mapping.length);
		return mapping.lineAt(at);
	}
	async findAsync(needle, start, stop, options) {
		const bytes = bytesArgument(needle, "needle");
		const [range, checked] = taskArguments(start, stop, options);
		const mapping = live(this);
		const [from, to] = rangeFromCursor(range, mapping.position, mapping.length);
		if (to < from) {
			checked.onProgress?.({
				done: 0,
				total: 0
			});
			return -1;
		}
		return mapping.runTask(checked, to - from, (task) => binding.startFind(task, bytes, from, to));
	}
	async countAsync(needle, start, stop, options) {
		if ((0, node_util_types.isRegExp)(needle)) {
			const { native } = patternArgument(needle, "needle");
			const [range, checked] = taskArguments(start, stop, options);
			const [mapping, from, to] = liveRange(this, range);
			return mapping.runTask(checked, to - from, (task) => binding.startCountMatches(task, native, from, to));
		}
		const bytes = bytesArgument(needle, "needle");
		const [range, checked] = taskArguments(start, stop, options);
		const [mapping, from, to] = liveRange(this, range);
		refuseEmpty(bytes, "needle");
		return mapping.runTask(checked, to - from, (task) => binding.startCount(task, bytes, from, to));
	}
	async replaceAllAsync(from, to, start, stop, options) {
		if ((0, node_util_types.isRegExp)(from)) {
			const pattern = patternArgument(from, "from");
			const replacement = bytesArgument(to, "to");
			const [range, fill, checked] = replaceTaskArguments(start, stop, options);
			const [mapping, first, last] = liveRange(this, range);
			writable(this);
			refuseUnfit(pattern, replacement, fill);
			return mapping.runTask(checked, last - first, (task) => binding.startReplaceMatches(task, pattern.native, replacement, fill, first, last));
		}
		const old = bytesArgument(from, "from");
		const replacement = bytesArgument(to, "to");
		const [range, checked] = taskArguments(start, stop, options);
		const [mapping, first, last] = liveRange(this, range);
		writable(this);
		refuseUnequal(old, replacement);
		return mapping.runTask(checked, last - first, (task) => binding.startReplaceAll(task, old, replacement, first, last));
	}
};
//#endregion
//#region src/mmap/regexp.ts
var MmapRegExp = class extends MmapSearch {
	search(re, start, stop) {
		const { native } = patternArgument(re);
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		const row = new Float64Array(2);
		return checked(binding.firstMatch(mapping.handle, native, row, from, to)) ? row[0] : -1;
	}
	match(re, start, stop) {
		const pattern = patternArgument(re);
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		const row = rowOf(pattern);
		return checked(binding.firstMatch(mapping.handle, pattern.native, row, from, to)) ? newMatch(new FoundMatches(mapping, pattern, row, row.length, to), 0) : null;
	}
	matchAll(re, start, stop, options) {
		const pattern = patternArgument(re);
		const [range, hasGroups] = matchArguments(start, stop, options);
		const mapping = live(this);
		return new PatternMatches(mapping, {
			pattern,
			hasGroups,
			...iterationRange(range, mapping.length)
		});
	}
	async searchAsync(re, start, stop, options) {
		const pattern = patternArgument(re);
		const [range, checked] = taskArguments(start, stop, options);
		const row = await firstMatch(this, {
			pattern,
			row: new Float64Array(2),
			range,
			options: checked
		});
		return row === void 0 ? -1 : row[0];
	}
	async matchAsync(re, start, stop, options) {
		const pattern = patternArgument(re);
		const [range, checked] = taskArguments(start, stop, options);
		const mapping = live(this);
		const row = await firstMatch(this, {
			pattern,
			row: rowOf(pattern),
			range,
			options: checked
		});
		return row === void 0 ? null : newMatch(new FoundMatches(mapping, pattern, row, row.length, mapping.length), 0);
	}
	matchAllAsync(re, start, stop, options) {
		const pattern = patternArgument(re);
		const [range, hasGroups, task] = matchTaskArguments(start, stop, options);
		const [mapping, from, to] = liveRange(this, range);
		return new PatternMatchesAsync(mapping, {
			pattern,
			hasGroups,
			task,
			...iterationRange(range, mapping.length)
		}, to - from);
	}
};
function rowOf({ allGroups }) {
	return new Float64Array((allGroups + 1) * 2);
}
function iterationRange({ start, stop }, length) {
	return {
		start: clamp(start ?? 0, length),
		stop: stop ?? Number.POSITIVE_INFINITY
	};
}
async function firstMatch(mm, request) {
	const { pattern, row, range, options } = request;
	const [mapping, from, to] = liveRange(mm, range);
	const search = checked(binding.newPatternSearch(pattern.native, from, to));
	const found = await mapping.runTask(options, to - from, (task) => binding.startNextMatches(task, search, 1, row.length > 2));
	if (found !== 1 && found !== -2) return void 0;
	checked(binding.takeMatches(search, row));
	return row;
}
//#endregion
//#region src/mmap/sharing.ts
var MmapSharing = class extends MmapRegExp {
	wait(position, value, timeout) {
		const at = wholeNumber(position, "position");
		const expected = wordValue(value, "value");
		const milliseconds = timeoutArgument(timeout, "timeout");
		return wait(withWord(this, at), at, expected, milliseconds);
	}
	async waitAsync(position, value, options) {
		const at = wholeNumber(position, "position");
		const expected = wordValue(value, "value");
		const checked = waitOptions(options);
		return waitAsync(withWord(this, at), at, expected, checked);
	}
	notify(position, count) {
		const at = wholeNumber(position, "position");
		const most = countArgument(count, "count");
		return notify(withWord(this, at), at, most);
	}
	async lockRange(start, stop, options) {
		const request = lockArguments(start, stop, options, false);
		return lockAsync(live(this), request);
	}
	lockRangeSync(start, stop, options) {
		const request = lockArguments(start, stop, options, true);
		return lockSync(live(this), request);
	}
};
function withWord(mm, position) {
	const mapping = live(mm);
	refuseWrongWord(position, mapping.lead, mapping.length);
	return mapping;
}
//#endregion
//#region src/mmap/mmap.ts
var Mmap = class extends MmapSharing {
	size() {
		return checked(binding.size(live(this).handle));
	}
	flush(offset = 0, size, flags) {
		const extent = flushArguments(offset, size);
		const how = flags === void 0 ? void 0 : int32(flags, "flags");
		const mapping = live(this);
		const [from, to] = flushRange(extent, mapping.length);
		checked(binding.flush(mapping.handle, from, to - from, how));
	}
	async flushAsync(offset = 0, size, options) {
		if (isOptions(offset, size, options)) {
			const [range, checked] = taskArguments(offset, void 0, void 0);
			const [mapping, from, to] = liveRange(this, range);
			await mapping.runTask(checked, to - from, (task) => binding.startFlush(task, from, to));
			return;
		}
		const extent = flushArguments(offset, size);
		const checked = taskOptions(options);
		const mapping = live(this);
		const [from, to] = flushRange(extent, mapping.length);
		await mapping.runTask(checked, to - from, (task) => binding.startFlush(task, from, to));
	}
	resize(newSize) {
		const length = wholeNumber(newSize, "newSize", "of type number or bigint");
		live(this).resize(length);
	}
	remap(newLength) {
		const length = optionalWholeNumber(newLength, "newLength", "of type number or bigint");
		const mapping = live(this);
		mapping.remap(length);
		return mapping.length;
	}
	madvise(option, start = 0, length) {
		const advice = systemConstant(option, "option");
		const from = wholeNumber(start, "start");
		const most = optionalWholeNumber(length, "length");
		const mapping = live(this);
		const count = adviceCount(from, most, mapping.length);
		mapping.relocateEarly();
		checked(binding.advise(mapping.handle, advice, from, count));
	}
	protect(prot) {
		const protection = systemConstant(prot, "prot");
		const mapping = live(this);
		const access = binding.protect(mapping.handle, protection);
		if (typeof access !== "number") throw access;
		mapping.access = access;
	}
	mlock(start, stop) {
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		mapping.relocateEarly();
		checked(binding.lock(mapping.handle, from, to - from));
	}
	munlock(start, stop) {
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		checked(binding.unlock(mapping.handle, from, to - from));
	}
	resident(start, stop) {
		const [mapping, from, to] = liveRange(this, rangeArguments(start, stop));
		return checked(binding.resident(mapping.handle, from, to - from));
	}
	async prefetch(start, stop, options) {
		const [range, checked] = taskArguments(start, stop, options);
		const [mapping, from, to] = liveRange(this, range);
		await mapping.runTask(checked, to - from, (task) => binding.startPrefetch(task, from, to));
	}
	close() {
		mappingOf(this).close();
	}
	unmap() {
		mappingOf(this).unmap();
	}
	[Symbol.dispose]() {
		mappingOf(this);
		this.close();
	}
};
addDisposeSymbols(Mmap.prototype);
//#endregion
//#region src/factory.ts
function mmap(file, length, options) {
	return new Mmap(file, length, options);
}
//#endregion
exports.ACCESS_COPY = ACCESS_COPY;
exports.ACCESS_DEFAULT = ACCESS_DEFAULT;
exports.ACCESS_READ = ACCESS_READ;
exports.ACCESS_WRITE = ACCESS_WRITE;
exports.ALLOCATIONGRANULARITY = ALLOCATIONGRANULARITY;
exports.MADV_AUTOSYNC = MADV_AUTOSYNC;
exports.MADV_COLD = MADV_COLD;
exports.MADV_CORE = MADV_CORE;
exports.MADV_DODUMP = MADV_DODUMP;
exports.MADV_DOFORK = MADV_DOFORK;
exports.MADV_DONTDUMP = MADV_DONTDUMP;
exports.MADV_DONTFORK = MADV_DONTFORK;
exports.MADV_DONTNEED = MADV_DONTNEED;
exports.MADV_FREE = MADV_FREE;
exports.MADV_FREE_REUSABLE = MADV_FREE_REUSABLE;
exports.MADV_FREE_REUSE = MADV_FREE_REUSE;
exports.MADV_HUGEPAGE = MADV_HUGEPAGE;
exports.MADV_HWPOISON = MADV_HWPOISON;
exports.MADV_MERGEABLE = MADV_MERGEABLE;
exports.MADV_NOCORE = MADV_NOCORE;
exports.MADV_NOHUGEPAGE = MADV_NOHUGEPAGE;
exports.MADV_NORMAL = MADV_NORMAL;
exports.MADV_NOSYNC = MADV_NOSYNC;
exports.MADV_PAGEOUT = MADV_PAGEOUT;
exports.MADV_POPULATE_READ = MADV_POPULATE_READ;
exports.MADV_POPULATE_WRITE = MADV_POPULATE_WRITE;
exports.MADV_PROTECT = MADV_PROTECT;
exports.MADV_RANDOM = MADV_RANDOM;
exports.MADV_REMOVE = MADV_REMOVE;
exports.MADV_SEQUENTIAL = MADV_SEQUENTIAL;
exports.MADV_SOFT_OFFLINE = MADV_SOFT_OFFLINE;
exports.MADV_UNMERGEABLE = MADV_UNMERGEABLE;
exports.MADV_WILLNEED = MADV_WILLNEED;
exports.MAP_32BIT = MAP_32BIT;
exports.MAP_ALIGNED_SUPER = MAP_ALIGNED_SUPER;
exports.MAP_ANON = MAP_ANON;
exports.MAP_ANONYMOUS = MAP_ANONYMOUS;
exports.MAP_CONCEAL = MAP_CONCEAL;
exports.MAP_DENYWRITE = MAP_DENYWRITE;
exports.MAP_EXECUTABLE = MAP_EXECUTABLE;
exports.MAP_HASSEMAPHORE = MAP_HASSEMAPHORE;
exports.MAP_JIT = MAP_JIT;
exports.MAP_NOCACHE = MAP_NOCACHE;
exports.MAP_NOEXTEND = MAP_NOEXTEND;
exports.MAP_NORESERVE = MAP_NORESERVE;
exports.MAP_POPULATE = MAP_POPULATE;
exports.MAP_PRIVATE = MAP_PRIVATE;
exports.MAP_RESILIENT_CODESIGN = MAP_RESILIENT_CODESIGN;
exports.MAP_RESILIENT_MEDIA = MAP_RESILIENT_MEDIA;
exports.MAP_SHARED = MAP_SHARED;
exports.MAP_STACK = MAP_STACK;
exports.MAP_TPRO = MAP_TPRO;
exports.MAP_TRANSLATED_ALLOW_EXECUTE = MAP_TRANSLATED_ALLOW_EXECUTE;
exports.MAP_UNIX03 = MAP_UNIX03;
exports.MAX_VIEW_LENGTH = MAX_VIEW_LENGTH;
exports.MS_ASYNC = MS_ASYNC;
exports.MS_INVALIDATE = MS_INVALIDATE;
exports.MS_SYNC = MS_SYNC;
exports.Mmap = Mmap;
exports.MmapMatch = MmapMatch;
exports.PAGESIZE = PAGESIZE;
exports.PROT_EXEC = PROT_EXEC;
exports.PROT_READ = PROT_READ;
exports.PROT_WRITE = PROT_WRITE;
exports.mmap = mmap;
exports.unlinkShm = unlinkShm;
