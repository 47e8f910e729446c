Object.defineProperty(exports, Symbol.toStringTag, { value: "Module" });
let node_buffer = require("node:buffer");
let node_util_types = require("node:util/types");
let node_util = require("node:util");
let node_path = require("node:path");
let node_url = require("node:url");
let node_events = require("node:events");
//#region src/errors.ts
function withCode(error, code) {
	return Object.assign(error, { code });
}
/** The value of an argument, as an error says it. */
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
function wrongValue(message) {
	return withCode(new TypeError(message), "ERR_INVALID_ARG_VALUE");
}
/** `what` is CPython's message; what it leaves out follows: which argument, what is allowed, what came. */
function outOfRange(what, name, allowed, value) {
	const text = typeof value === "bigint" ? `${value}n` : String(value);
	return withCode(/* @__PURE__ */ new RangeError(`${what}: "${name}" must be ${allowed}. Received ${text}`), "ERR_OUT_OF_RANGE");
}
function noBinding(message, cause) {
	return withCode(new Error(message, cause === void 0 ? void 0 : { cause }), "ERR_MMAP_BINDING");
}
function closed() {
	return withCode(/* @__PURE__ */ new Error("mmap closed or invalid"), "ERR_MMAP_CLOSED");
}
function readOnly() {
	return withCode(/* @__PURE__ */ new TypeError("mmap can't modify a readonly memory map."), "ERR_MMAP_READONLY");
}
function unsupported(message) {
	return withCode(new Error(message), "ERR_MMAP_UNSUPPORTED");
}
/** `length` is that of the buffer under the view, which may begin some bytes before it. */
function viewTooLarge(length, limit) {
	const message = `The view needs a buffer of ${length} bytes, and the longest on this runtime is MAX_VIEW_LENGTH, ${limit}: use view(type, byteOffset, length) for a part of it`;
	return withCode(new RangeError(message), "ERR_MMAP_VIEW_TOO_LARGE");
}
/** Each engine has a limit of its own for a SharedArrayBuffer, and there are no parts of one. `grows`: it is longer than the mapping. */
function sharedTooLarge(length, grows) {
	const message = `This runtime has no room for a SharedArrayBuffer of ${length} bytes: ${grows ? "ask for a smaller \"shared.maxLength\"" : "map less, or use view(type, byteOffset, length) without \"shared\""}`;
	return withCode(new RangeError(message), "ERR_MMAP_VIEW_TOO_LARGE");
}
/** Without a limit: it is memory that there is too little of. No argument is named, since none may have been given. */
function copyTooLong(length, limit) {
	const message = `The copy would have ${length} bytes, and ${limit === void 0 ? "there is no memory for that" : `the longest Buffer on this runtime has ${limit}`}: copy less at a time, or use view(type, byteOffset, length)`;
	return withCode(new RangeError(message), "ERR_OUT_OF_RANGE");
}
/** Not `instanceof`: Rust's errors are of the realm that loaded the library, and in Jest, or another vm context, that is not this one. */
function hasCode(error, code) {
	return (0, node_util_types.isNativeError)(error) && "code" in error && error.code === code;
}
/** Whether there is too little of what mappings that nobody uses any more may have: memory, addresses, descriptors. */
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
/** As fs has it. What replaceAllAsync had replaced by then is in `replaced`. */
function aborted(reason, { replaced } = {}) {
	const error = withCode(new Error("The operation was aborted", { cause: reason }), "ABORT_ERR");
	error.name = "AbortError";
	return replaced === void 0 ? error : Object.assign(error, { replaced });
}
/** Adds the path, if there is one, to an error of the operating system as fs does, and to one of ours. */
function withPath(error, path) {
	if (path === void 0 || !(0, node_util_types.isNativeError)(error) || !("code" in error)) return error;
	addText(Object.assign(error, { path }), "syscall" in error ? ` '${path}'` : `: '${path}'`);
	return error;
}
/** The operating system's refusal of what is to have no bytes and no file says EINVAL, and no more. */
function aboutNoLength(error) {
	if (hasCode(error, "EINVAL")) addText(error, ": \"length\" must be at least 1 for new anonymous memory");
	return error;
}
function addText(error, text) {
	error.message += text;
	Error.captureStackTrace(error);
}
//#endregion
//#region src/binding.ts
/** What `engines` of package.json says. Bun, Deno and Electron say which Node they are like. */
const OLDEST_NODE = 20;
/** What `napi.targets` of package.json says, in napi-rs' names of its packages. */
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
const OPTIONAL = "Was it installed without optional dependencies (--omit=optional, --no-optional)? Install with them: npm install --include=optional";
const COPIED = "Was node_modules copied from another system, or the lock file written there? Remove both, and run npm install on this one.";
const BUNDLED = "Is the program bundled or packed? Leave memmap out (external: memmap), and keep node_modules/memmap and node_modules/@memmap beside it, not in an archive.";
const GLIBC = "Is glibc older than 2.17, or is it not there? \"ldd --version\" says which one this system has.";
/** Of a package or file that is not there: Node, Bun and Deno, then Yarn's Plug'n'Play. The loader keeps only messages of errors, no codes. */
const MISSING = /^Cannot find (module|package|native binding)|tried to access .*, but it isn't declared|package missing from disk|didn't get installed|^Qualified path resolution failed/;
function load() {
	if (Number.parseInt(process.versions.node, 10) < OLDEST_NODE) throw noBinding(`memmap needs Node ${OLDEST_NODE} or newer, and this is ${process.version}`);
	try {
		return require("./binding.js");
	} catch (error) {
		throw noBinding(explanation(error), error);
	}
}
/** What is wrong, after the loader has tried everything. */
function explanation(error) {
	const messages = messagesOf(error);
	if (error instanceof Error && error.name === "NotCapable") return `memmap cannot be loaded: ${error.message}`;
	const override = process.env.NAPI_RS_NATIVE_LIBRARY_PATH;
	if (override) return `NAPI_RS_NATIVE_LIBRARY_PATH is ${override}, and that is not the native library of memmap: ${messages.at(-1)}`;
	const system = `${process.platform} ${process.arch}`;
	const possible = PLATFORMS.filter((name) => `${name}-`.startsWith(`${process.platform}-${process.arch}-`));
	const platform = possible.find((name) => messages.some((message) => message.includes(`memmap.${name}.node`))) ?? possible[0];
	if (platform === void 0) return `memmap has no native library for ${system}. It has one for ${PLATFORMS.join(", ")}. On other systems build it from a clone of the repository.`;
	const libc = platform.endsWith("-gnu") ? " with glibc" : platform.endsWith("-musl") ? " with musl" : "";
	const expected = `memmap needs the package @memmap/binding-${platform} on this system, which is ${system}${libc}`;
	const refusal = messages.find((message) => !MISSING.test(message));
	if (refusal?.includes("loading addons is disabled")) return `${expected}, and it cannot be loaded: ${refusal}`;
	return refusal === void 0 ? list(`${expected}, and it is not installed`, [
		OPTIONAL,
		COPIED,
		BUNDLED
	]) : list(`${expected}, and it cannot be loaded: ${refusal}`, libc === " with glibc" ? [GLIBC, COPIED] : [COPIED]);
}
/** Of an error and its causes: the loader's is followed by one for each file and package that it tried. */
function messagesOf(error) {
	return (0, node_util_types.isNativeError)(error) ? [error.message, ...messagesOf(error.cause)] : [];
}
function list(sentence, questions) {
	return [`${sentence}.`, ...questions].join("\n  - ");
}
const binding = load();
//#endregion
//#region src/constants.ts
/** As `flags` and `prot` say; read and write through to the file when they are not given. */
const ACCESS_DEFAULT = 0;
/** Methods only read. A store through a view changes private memory and never the file. */
const ACCESS_READ = 1;
/** Read and write through to the file. */
const ACCESS_WRITE = 2;
/** Read and write; changes stay in this mapping. */
const ACCESS_COPY = 3;
/** Bytes in a page of memory. */
const PAGESIZE = binding.pageSize();
/** What the operating system itself wants offsets to be multiples of, in bytes. `mmap` takes any offset. */
const ALLOCATIONGRANULARITY = binding.allocationGranularity();
/** The longest single view on this runtime, in bytes: 4 GiB on Node 20 and Bun. Mappings may be longer. */
const MAX_VIEW_LENGTH = node_buffer.constants.MAX_LENGTH;
const system = binding.constants();
/** For constants that every Unix has. Node types such constants as numbers too; on Windows they are undefined. */
function posix(name) {
	return system[name];
}
/** Pages may be read. Undefined on Windows. */
const PROT_READ = posix("PROT_READ");
/** Pages may be written. Undefined on Windows. */
const PROT_WRITE = posix("PROT_WRITE");
/** Pages may be executed. Undefined on Windows. */
const PROT_EXEC = posix("PROT_EXEC");
/** Changes go to the file. Undefined on Windows. */
const MAP_SHARED = posix("MAP_SHARED");
/** Changes stay in the mapping. Undefined on Windows. */
const MAP_PRIVATE = posix("MAP_PRIVATE");
/** Memory without a file. Undefined on Windows. */
const MAP_ANON = posix("MAP_ANON");
/** Memory without a file. Undefined on Windows. */
const MAP_ANONYMOUS = posix("MAP_ANONYMOUS");
/** No special use is expected. Undefined on Windows. */
const MADV_NORMAL = posix("MADV_NORMAL");
/** Expect reads at random: read ahead little. Undefined on Windows. */
const MADV_RANDOM = posix("MADV_RANDOM");
/** Expect reads in order: read ahead much. Undefined on Windows. */
const MADV_SEQUENTIAL = posix("MADV_SEQUENTIAL");
/** The range will be needed soon. Undefined on Windows. */
const MADV_WILLNEED = posix("MADV_WILLNEED");
/** The range will not be needed soon. On Linux private changes in it are lost. Undefined on Windows. */
const MADV_DONTNEED = posix("MADV_DONTNEED");
/** Wait until it is written. Undefined on Windows. */
const MS_SYNC = posix("MS_SYNC");
/** Do not wait. Undefined on Windows. */
const MS_ASYNC = posix("MS_ASYNC");
/** Make other mappings of the file show what is in it. Undefined on Windows. */
const MS_INVALIDATE = posix("MS_INVALIDATE");
/** Linux. */
const MAP_DENYWRITE = system.MAP_DENYWRITE;
/** Linux. */
const MAP_EXECUTABLE = system.MAP_EXECUTABLE;
/** Linux, macOS: reserve no swap space. */
const MAP_NORESERVE = system.MAP_NORESERVE;
/** Linux: bring the pages in now. */
const MAP_POPULATE = system.MAP_POPULATE;
/** Linux, FreeBSD. */
const MAP_STACK = system.MAP_STACK;
/** Linux on x86, FreeBSD: an address below 2 GiB. */
const MAP_32BIT = system.MAP_32BIT;
/** FreeBSD. */
const MAP_ALIGNED_SUPER = system.MAP_ALIGNED_SUPER;
/** OpenBSD, for which there is no build yet: undefined everywhere. */
const MAP_CONCEAL = system.MAP_CONCEAL;
/** macOS, FreeBSD. */
const MAP_HASSEMAPHORE = system.MAP_HASSEMAPHORE;
/** macOS. */
const MAP_JIT = system.MAP_JIT;
/** macOS. */
const MAP_NOCACHE = system.MAP_NOCACHE;
/** macOS. */
const MAP_NOEXTEND = system.MAP_NOEXTEND;
/** macOS. */
const MAP_RESILIENT_CODESIGN = system.MAP_RESILIENT_CODESIGN;
/** macOS. */
const MAP_RESILIENT_MEDIA = system.MAP_RESILIENT_MEDIA;
/** macOS. */
const MAP_TPRO = system.MAP_TPRO;
/** macOS. */
const MAP_TRANSLATED_ALLOW_EXECUTE = system.MAP_TRANSLATED_ALLOW_EXECUTE;
/** macOS. */
const MAP_UNIX03 = system.MAP_UNIX03;
/** Linux, macOS, FreeBSD: the pages' contents may be dropped. */
const MADV_FREE = system.MADV_FREE;
/** Linux: free the range and its part of the file. */
const MADV_REMOVE = system.MADV_REMOVE;
/** Linux. */
const MADV_DONTFORK = system.MADV_DONTFORK;
/** Linux. */
const MADV_DOFORK = system.MADV_DOFORK;
/** Linux, as root: treat the pages as broken memory. Touching them afterwards is fatal. */
const MADV_HWPOISON = system.MADV_HWPOISON;
/** Linux: pages with the same contents may be merged. */
const MADV_MERGEABLE = system.MADV_MERGEABLE;
/** Linux. */
const MADV_UNMERGEABLE = system.MADV_UNMERGEABLE;
/** Linux, as root. */
const MADV_SOFT_OFFLINE = system.MADV_SOFT_OFFLINE;
/** Linux: use huge pages. */
const MADV_HUGEPAGE = system.MADV_HUGEPAGE;
/** Linux. */
const MADV_NOHUGEPAGE = system.MADV_NOHUGEPAGE;
/** Linux: leave the range out of core dumps. */
const MADV_DONTDUMP = system.MADV_DONTDUMP;
/** Linux. */
const MADV_DODUMP = system.MADV_DODUMP;
/** Linux 5.4: the range may be reclaimed first. */
const MADV_COLD = system.MADV_COLD;
/** Linux 5.4: reclaim the range now. */
const MADV_PAGEOUT = system.MADV_PAGEOUT;
/** Linux 5.14: bring the pages in for reading. */
const MADV_POPULATE_READ = system.MADV_POPULATE_READ;
/** Linux 5.14: bring the pages in for writing. */
const MADV_POPULATE_WRITE = system.MADV_POPULATE_WRITE;
/** FreeBSD. */
const MADV_NOSYNC = system.MADV_NOSYNC;
/** FreeBSD. */
const MADV_AUTOSYNC = system.MADV_AUTOSYNC;
/** FreeBSD. */
const MADV_NOCORE = system.MADV_NOCORE;
/** FreeBSD. */
const MADV_CORE = system.MADV_CORE;
/** FreeBSD. */
const MADV_PROTECT = system.MADV_PROTECT;
/** macOS. */
const MADV_FREE_REUSABLE = system.MADV_FREE_REUSABLE;
/** macOS. */
const MADV_FREE_REUSE = system.MADV_FREE_REUSE;
//#endregion
//#region src/views.ts
/** The views of `length` bytes from `start` of a buffer. */
function viewOf(id, buffer, start, length) {
	const own = Reflect.construct(Uint8Array, [
		buffer,
		start,
		length
	], Buffer);
	return {
		id,
		buffer,
		bytes: new Uint8Array(buffer, start, length),
		own,
		isRemembered: false
	};
}
/** Bytes in an element, by view class. A DataView has no elements: it counts bytes. */
const ELEMENT_SIZES = new Map([[DataView, 1], [Buffer, 1]]);
for (const name of Object.getOwnPropertyNames(globalThis)) {
	if (!/^(?:Big)?(?:Int|Uint|Float)\d+(?:Clamped)?Array$/.test(name)) continue;
	const type = Reflect.get(globalThis, name);
	ELEMENT_SIZES.set(type, type.BYTES_PER_ELEMENT);
}
/**
* Bytes in an element of a view class, or of one that extends it; undefined for anything else. The class is not asked: it may say what is not
* so. Nor is a proxy, which may do anything when it is asked what it extends.
*/
function elementSize(type) {
	for (let base = type; typeof base === "function" && !(0, node_util_types.isProxy)(base); base = Object.getPrototypeOf(base)) {
		const size = ELEMENT_SIZES.get(base);
		if (size !== void 0) return size;
	}
}
/** Whether it can be called with `new`. That is tried, through a proxy that runs nothing of it. */
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
//#endregion
//#region src/shared.ts
/** Whether mappings move into buffers, which can grow. */
const MOVES_INTO_BUFFERS = process.platform !== "win32" && process.versions.bun === void 0;
/**
* Makes the buffer, and views of it. It begins `lead` bytes before the mapping at most, and can grow to `maxLength` bytes from there.
*
* What is in it is the mapping from then on: keep the buffer while the mapping is open.
*/
function sharedView(mapping, id, lead, length, maxLength) {
	if (MOVES_INTO_BUFFERS) return moveIntoBuffer(mapping, id, lead, length, Math.max(maxLength ?? 0, length));
	if (length > MAX_VIEW_LENGTH) throw sharedTooLarge(length, false);
	const buffer = binding.buffer(mapping, id, true, 0, length);
	return viewOf(id, buffer, buffer.byteLength - length, length);
}
const leases = new FinalizationRegistry((lease) => binding.endLease(lease));
/**
* Keeps the addresses of an ArrayBuffer that `unmap()` is about to detach until nobody can have them any more. The engine finalizes a detached buffer
* at once, but what works on it, such as a read of `fs`, has the address, and the ArrayBuffer object itself.
*/
function keepAddresses(mapping, buffer, id) {
	const lease = binding.lease(mapping, buffer, id);
	if (lease !== null) leases.register(buffer, lease);
}
function moveIntoBuffer(mapping, id, lead, length, maxLength) {
	const buffer = reserve(lead + length, lead + maxLength, maxLength > length);
	const view = viewOf(id, buffer, lead, length);
	const memory = new Uint8Array(buffer);
	const capacity = buffer.maxByteLength;
	const lease = binding.newLease();
	leases.register(buffer, lease);
	binding.lend(mapping, id, memory, lead, capacity, lease);
	return view;
}
/** A page in Electron has such buffers too, but their name only if it is isolated from other origins. */
const Shared = globalThis.SharedArrayBuffer ?? new WebAssembly.Memory({
	initial: 0,
	maximum: 0,
	shared: true
}).buffer.constructor;
const prototype = Shared.prototype;
const grow = Function.prototype.call.bind(prototype.grow);
const byteLengthOf$1 = Function.prototype.call.bind(Object.getOwnPropertyDescriptor(prototype, "byteLength")?.get);
/**
* Makes a buffer follow the mapping that has grown in it, to `length` bytes. The user has had it, and may have made it grow already, or
* have given it other properties: so it is the built-in ones that are asked.
*/
function growBuffer(buffer, length) {
	if (byteLengthOf$1(buffer) < length) grow(buffer, length);
}
function reserve(length, maxByteLength, grows) {
	try {
		return new Shared(length, { maxByteLength });
	} catch {
		throw sharedTooLarge(maxByteLength, grows);
	}
}
//#endregion
//#region src/arguments.ts
const OPTION_NAMES = [
	"access",
	"offset",
	"tagname",
	"flags",
	"prot",
	"trackfd",
	"create",
	"writeBack",
	"shared"
];
const TASK_OPTION_NAMES = ["signal", "onProgress"];
const NO_OPTIONS = Object.freeze(Object.create(null));
const INT32_MAX = 2 ** 31 - 1;
const HAS_SYSTEM_CONSTANTS = MAP_SHARED !== void 0;
const DEFAULT_FLAGS = MAP_SHARED ?? 0;
const DEFAULT_PROT = PROT_READ | PROT_WRITE;
function request(file, length, options) {
	const given = optionsArgument(options, OPTION_NAMES, "mmap");
	const { access, offset, tagname, flags, prot, trackfd, create, writeBack, shared } = given;
	const named = urlPath(file) ?? file;
	const target = fileArgument(named);
	const checked = {
		file: target,
		path: typeof target === "number" ? void 0 : pathText(named, target),
		length: extentArgument(length, "length", "memory mapped length must be positive"),
		offset: offsetArgument(offset),
		tagname: tagArgument(tagname),
		access: 0,
		flags: optionalInteger(flags, "flags") ?? DEFAULT_FLAGS,
		prot: optionalInteger(prot, "prot") ?? DEFAULT_PROT,
		trackfd: booleanArgument(trackfd, "trackfd", true),
		create: booleanArgument(create, "create", false),
		writeBack: booleanArgument(writeBack, "writeBack", false),
		shared: shared === true,
		maxLength: void 0
	};
	if (typeof shared !== "boolean" && shared !== void 0) {
		checked.shared = true;
		checked.maxLength = maxLengthArgument(shared);
	}
	checked.access = accessArgument(access, checked, isGiven(given, "flags", flags) || isGiven(given, "prot", prot));
	refuseContradictions(checked);
	return checked;
}
/**
* Whether an option of `MAP_*` or `PROT_*` is there. On Windows those are undefined: `flags: MAP_PRIVATE` must not be taken for no
* flags there, for that is a mapping that writes to the file.
*/
function isGiven(options, name, value) {
	return value !== void 0 || !HAS_SYSTEM_CONSTANTS && name in options;
}
function linesOptions(options) {
	const { start, stop } = optionsArgument(options, ["start", "stop"], "lines");
	return {
		start: optionalBound(start, "start"),
		stop: optionalBound(stop, "stop")
	};
}
/** The options of a task, checked. Throws when the signal is aborted already. */
function taskOptions(options) {
	const { signal, onProgress } = optionsArgument(options, TASK_OPTION_NAMES, "this method");
	if (signal !== void 0 && !isAbortSignal(signal)) throw wrongType("signal", "an instance of AbortSignal", signal);
	if (onProgress !== void 0 && typeof onProgress !== "function") throw wrongType("onProgress", "of type function", onProgress);
	if (signal !== void 0 && isAbortedSignal(signal)) throw aborted(reasonOf(signal));
	return {
		signal,
		onProgress
	};
}
const isAbortedSignal = getter(AbortSignal.prototype, "aborted");
/** Why a signal was aborted. */
const reasonOf = getter(AbortSignal.prototype, "reason");
function isAbortSignal(value) {
	try {
		isAbortedSignal(value);
		return true;
	} catch {
		return false;
	}
}
function optionsArgument(options, names, of) {
	if (options === void 0) return NO_OPTIONS;
	if (typeof options !== "object" || options === null || isArrayOrRevoked(options) || isNoOptions(options)) throw wrongType("options", "of type object", options);
	for (const name of Object.keys(options)) if (!names.includes(name)) throw wrongValue(`The property "options.${name}" is not an option of ${of}. Options are ${names.join(", ")}`);
	return options;
}
/** What has no option and would be ignored, though somebody means something by it: above all a signal, instead of `{ signal }`. */
function isNoOptions(value) {
	return (0, node_util_types.isMap)(value) || (0, node_util_types.isSet)(value) || (0, node_util_types.isDate)(value) || (0, node_util_types.isPromise)(value) || value instanceof AbortSignal;
}
function fileArgument(file) {
	if (typeof file === "number") return integer(file, "file", -INT32_MAX - 1, INT32_MAX);
	if (typeof file === "string") return pathArgument(file);
	if ((0, node_util_types.isUint8Array)(file)) return pathArgument(shownBytes(file, "file"));
	if (typeof file === "object" && file !== null && !isArrayOrRevoked(file) && "fd" in file && "stat" in file) {
		const { fd } = file;
		if (typeof fd === "number") return integer(fd, "file", -1, INT32_MAX) === -1 ? -2 : fd;
	}
	throw wrongType("file", "a path, a file: URL, a descriptor, a FileHandle, or -1", file);
}
function pathArgument(path) {
	if (typeof path === "string" ? path.includes("\0") : path.includes(0)) throw wrongValue("The \"file\" argument must be a path without null bytes");
	return typeof path === "string" && process.platform === "win32" ? (0, node_path.toNamespacedPath)(path) : path;
}
/** The path as fs says it in errors: as it was given, and that of bytes as text. */
function pathText(given, path) {
	return typeof path === "string" ? String(given) : Buffer.from(path).toString();
}
/** The path that a URL stands for; undefined of anything else. */
function urlPath(file) {
	if (typeof file !== "object" || file === null || (0, node_util_types.isUint8Array)(file)) return void 0;
	let href;
	try {
		href = hrefOf(file);
	} catch {
		return;
	}
	try {
		return (0, node_url.fileURLToPath)(href);
	} catch (error) {
		if (error instanceof URIError) throw wrongValue("The \"file\" argument must be a URL whose escapes are UTF-8");
		throw error;
	}
}
/** A proxy that has been revoked throws, whatever is asked of it, this too. */
function isArrayOrRevoked(value) {
	try {
		return Array.isArray(value);
	} catch {
		return true;
	}
}
/**
* A built-in getter by itself. A subclass, or an object with properties of its own, may answer to the name with anything, and do
* anything before it answers.
*/
function getter(prototype, name) {
	const get = Object.getOwnPropertyDescriptor(prototype, name)?.get;
	return Function.prototype.call.bind(get);
}
const TYPED_ARRAY = Object.getPrototypeOf(Uint8Array.prototype);
const hrefOf = getter(URL.prototype, "href");
const typedArrayParts = {
	buffer: getter(TYPED_ARRAY, "buffer"),
	byteOffset: getter(TYPED_ARRAY, "byteOffset"),
	byteLength: getter(TYPED_ARRAY, "byteLength")
};
/** Throws for an array whose buffer is detached, or too short for it now. */
const keysOf = Function.prototype.call.bind(Uint8Array.prototype.keys);
const dataViewParts = {
	buffer: getter(DataView.prototype, "buffer"),
	byteOffset: getter(DataView.prototype, "byteOffset"),
	byteLength: getter(DataView.prototype, "byteLength")
};
/** How many bytes an array really has, 0 if it is detached. */
const byteLengthOf = typedArrayParts.byteLength;
/**
* Bytes from 0 up. A bigint may be as large as a file size can be: whether it is too large for the file is checked where the file is known.
*/
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
function offsetArgument(offset) {
	const checked = extentArgument(offset, "offset", "memory mapped offset must be positive");
	if (typeof offset === "bigint" && BigInt(checked) !== offset) throw outOfRange("The argument is out of range", "offset", "a bigint that is equal to a number, as all are up to 2 ** 53", offset);
	return checked;
}
function tagArgument(tagname) {
	if (tagname === void 0 || tagname === "") return void 0;
	if (typeof tagname !== "string") throw wrongType("tagname", "of type string", tagname);
	if (tagname.includes("\0")) throw wrongValue("The \"tagname\" argument must be a string without null characters");
	if (/\p{Surrogate}/u.test(tagname)) throw wrongValue("The \"tagname\" argument must be a string without lone surrogates");
	return tagname;
}
function accessArgument(access, { flags, prot }, flagsGiven) {
	const given = optionalInteger(access, "access") ?? 0;
	if (given === 0) return flagsGiven ? void 0 : 0;
	if (flags !== DEFAULT_FLAGS || prot !== DEFAULT_PROT) throw wrongValue("mmap can't specify both access and flags, prot.");
	if (given < 0 || given > 3) throw outOfRange("mmap invalid access parameter.", "access", "ACCESS_DEFAULT, _READ, _WRITE or _COPY, 0 to 3", access);
	return given;
}
function refuseContradictions(checked) {
	const { file, length, tagname, access, flags, trackfd, create, writeBack, maxLength } = checked;
	const anonymous = file === -1;
	if (tagname !== void 0) {
		if (!anonymous) throw wrongValue("The option \"tagname\" names anonymous memory: \"file\" must be -1");
		if (access === void 0 && flags !== DEFAULT_FLAGS) throw wrongValue("The option \"tagname\" is for sharing: \"flags\" must be MAP_SHARED");
	}
	if (create && anonymous) throw wrongValue("The option \"create\" is for files, and \"file\" is -1");
	if (create && length === 0) throw wrongValue("The option \"create\" needs a \"length\" to extend the file to");
	if (maxLength !== void 0 && maxLength < length) throw maxLengthTooShort(maxLength, length);
	if (writeBack && (anonymous || access !== 3)) throw wrongValue("The option \"writeBack\" is for a file with access ACCESS_COPY");
	if (writeBack && !trackfd) throw wrongValue("The option \"writeBack\" needs the descriptor: \"trackfd\" must be true");
	if (!anonymous && access === void 0 && MAP_ANON !== void 0 && (flags & MAP_ANON) !== 0) throw wrongValue("The flag MAP_ANONYMOUS is for memory without a file: \"file\" must be -1");
}
function maxLengthTooShort(maxLength, length) {
	return outOfRange("The argument is out of range", "shared.maxLength", `at least the length, ${length}`, maxLength);
}
/** What `shared` says when it is no boolean. */
function maxLengthArgument(shared) {
	if (typeof shared !== "object" || shared === null || isArrayOrRevoked(shared)) throw wrongType("shared", "of type boolean, or an object with maxLength", shared);
	for (const name of Object.keys(shared)) if (name !== "maxLength") throw wrongValue(`The property "options.shared.${name}" is not an option of mmap. There is maxLength`);
	const { maxLength } = shared;
	if (maxLength === void 0) throw wrongValue("The option \"shared\" must be a boolean or have a \"maxLength\"");
	const checked = extentArgument(maxLength, "shared.maxLength", "The argument is out of range");
	if (!MOVES_INTO_BUFFERS) throw unsupported("The option \"shared.maxLength\" is not available on this runtime: its buffers cannot grow in place");
	return checked;
}
function booleanArgument(value, name, whenMissing) {
	if (value === void 0) return whenMissing;
	if (typeof value !== "boolean") throw wrongType(name, "of type boolean", value);
	return value;
}
function optionalInteger(value, name) {
	return value === void 0 ? void 0 : int32(value, name);
}
/** `MADV_*` or `PROT_*`. On Windows, where those are undefined, Rust is to say that they are of no use, and not we that one is missing. */
function systemConstant(value, name) {
	return value === void 0 && !HAS_SYSTEM_CONSTANTS ? 0 : int32(value, name);
}
/** A number for an `int` of C. */
function int32(value, name) {
	if (typeof value !== "number") throw wrongType(name, "of type number", value);
	return integer(value, name, -INT32_MAX - 1, INT32_MAX);
}
function integer(value, name, least, most) {
	if (!Number.isInteger(value)) throw outOfRange("The argument is out of range", name, "an integer", value);
	if (value < least || value > most) throw outOfRange("The argument is out of range", name, `${least} to ${most}`, value);
	return value;
}
/**
* A whole number in bytes, of any size and either sign. Whether it lies where it should is for the caller to say, in CPython's words.
*/
function wholeNumber(value, name, expected = "of type number") {
	if (typeof value === "bigint") {
		if (BigInt.asIntN(64, value) !== value) throw outOfRange("The argument is out of range", name, "-(2 ** 63) to 2 ** 63 - 1", value);
		return Number(value);
	}
	if (typeof value !== "number") throw wrongType(name, expected, value);
	if (!Number.isInteger(value)) throw outOfRange("The argument is out of range", name, "an integer", value);
	return value;
}
function optionalWholeNumber(value, name) {
	return value === void 0 ? void 0 : wholeNumber(value, name);
}
/** A bound of a slice or a search: a whole number, or an infinity for "as far as there is". */
function optionalBound(value, name) {
	if (value === Number.POSITIVE_INFINITY || value === Number.NEGATIVE_INFINITY) return value;
	return optionalWholeNumber(value, name);
}
/** Where a bound lies in `length` bytes: negative ones count from the end, and what is outside is the nearest inside. */
function clamp(bound, length) {
	return bound < 0 ? Math.max(bound + length, 0) : Math.min(bound, length);
}
/** The bytes of `data`, not copied, except for a string. How many they are, {@link byteLengthOf} says. */
function bytesArgument(data, name) {
	if ((0, node_util_types.isUint8Array)(data)) return byteLengthOf(data) === 0 ? shownBytes(data, name) : data;
	if (typeof data === "string") return Buffer.from(data, "utf8");
	if (ArrayBuffer.isView(data) || (0, node_util_types.isAnyArrayBuffer)(data)) return shownBytes(data, name);
	throw wrongType(name, "a string, an ArrayBuffer, a SharedArrayBuffer or a view of one", data);
}
/** The same bytes in an array that is nobody else's. */
function shownBytes(data, name) {
	try {
		if (!ArrayBuffer.isView(data)) return new Uint8Array(data);
		if (!(0, node_util_types.isDataView)(data)) keysOf(data);
		const parts = partsOf(data);
		return new Uint8Array(parts.buffer(data), parts.byteOffset(data), parts.byteLength(data));
	} catch {
		throw wrongValue(ArrayBuffer.isView(data) && !isDetached(data) ? `The "${name}" argument is a view that reaches beyond the end of its ArrayBuffer, which has shrunk` : `The "${name}" argument is, or is a view of, a detached ArrayBuffer`);
	}
}
function partsOf(view) {
	return (0, node_util_types.isDataView)(view) ? dataViewParts : typedArrayParts;
}
function isDetached(view) {
	try {
		new Uint8Array(partsOf(view).buffer(view));
		return false;
	} catch {
		return true;
	}
}
/** One byte as a needle, or bytes. Not to be written to. */
function needleArgument(needle, name) {
	return typeof needle === "number" ? byteAsBytes(byteArgument(needle, name)) : bytesArgument(needle, name);
}
function byteArgument(byte, name) {
	return integer(byte, name, 0, 255);
}
/** They take two microseconds to make. */
const SINGLE_BYTES = [];
/** Not to be written to. */
function byteAsBytes(byte) {
	SINGLE_BYTES[byte] ??= Uint8Array.of(byte);
	return SINGLE_BYTES[byte];
}
function sliceBounds(start, stop, step) {
	return {
		start: optionalBound(start, "start"),
		stop: optionalBound(stop, "stop"),
		step: optionalWholeNumber(step, "step") ?? 1
	};
}
/** Python's PySlice_AdjustIndices. It refuses a step of 0 here, after the state has been checked, because CPython does. */
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
//#endregion
//#region src/iterators.ts
/** How many places are found at a time: few at first, for those who stop soon. */
const FIRST_BATCH = 16;
const LARGEST_BATCH = 4096;
/** As clear as `-1` of `indexOf`, and as fast. */
const NONE = -1;
const DONE = Object.freeze({
	value: void 0,
	done: true
});
/** How many positions are searched at a time: places are small integers, counted from `base`. */
const MOST_POSITIONS = 2 ** 31;
/** Finds the places of a needle; matches do not overlap. */
var Search = class {
	/** Which batch of places the last one was from. */
	batch = 0;
	/** What the places of this batch are counted from. */
	base;
	/** Where the search ends, as the mapping was for this batch. */
	stop = 0;
	ended = false;
	#of;
	#state;
	#faultCounter;
	#needle;
	#givenStop;
	#places = new Int32Array(FIRST_BATCH);
	#count = 0;
	#given = 0;
	/** From where on the next batch is to be searched. */
	#next = 0;
	#isLast = false;
	/** For which generation of the mapping, and after how many faults, this batch holds. */
	#generation = NONE;
	#faults;
	constructor(of, needle, start, stop) {
		this.#of = of;
		this.#state = of.state;
		this.#faultCounter = of.state.faults;
		this.#needle = needle;
		this.base = start;
		this.#givenStop = stop;
	}
	/** The next place, or NONE. */
	next() {
		const given = this.#given;
		if (given === this.#count || this.#state.generation !== this.#generation || this.#faultCounter[0] !== this.#faults) return this.#findMore();
		this.#given = given + 1;
		return this.#places[given];
	}
	/** From now on there are none. */
	end() {
		this.ended = true;
		this.#given = this.#count;
	}
	#findMore() {
		if (this.ended) return NONE;
		this.#of.check();
		this.#faults = this.#faultCounter[0];
		if (this.#generation !== this.#state.generation) {
			this.#generation = this.#state.generation;
			this.stop = clamp(this.#givenStop, this.#of.length());
			this.#next = this.#given === 0 ? this.base : this.#endOf(this.#given - 1);
			this.#isLast = false;
			this.#find();
		} else if (this.#given === this.#count) {
			if (this.#places.length < LARGEST_BATCH) this.#places = new Int32Array(this.#places.length * 4);
			this.#find();
		}
		if (this.#given === this.#count) return NONE;
		this.#given += 1;
		return this.#places[this.#given - 1];
	}
	#find() {
		while (!this.#isLast) {
			this.batch += 1;
			this.base = Math.min(this.#next, this.stop);
			this.#given = 0;
			this.#count = 0;
			const reach = this.base + MOST_POSITIONS - 1 + this.#needle.length;
			const stop = Math.min(reach, this.stop);
			const count = binding.findAll(this.#of.handle(), this.#needle, this.#places, this.base, stop);
			this.#count = count;
			const end = count === 0 ? 0 : this.#endOf(count - 1);
			const isFull = count === this.#places.length;
			this.#next = isFull ? end : Math.max(this.base + MOST_POSITIONS, end);
			this.#isLast = !isFull && stop === this.stop;
			if (count !== 0) return;
		}
	}
	/** Where in the mapping a match of this batch ends. */
	#endOf(number) {
		return this.base + this.#places[number] + this.#needle.length;
	}
};
/** The places of a needle. */
var Matches = class {
	#search;
	constructor(of, needle, start, stop) {
		this.#search = new Search(of, needle, start, stop);
	}
	next() {
		const place = this.#search.next();
		return place === NONE ? this.return() : {
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
const NEWLINE$1 = Uint8Array.of(10);
const NOWHERE = /* @__PURE__ */ new ArrayBuffer(0);
/** What is between newlines, and between the last one and the end. */
var Lines = class {
	#of;
	#search;
	/** Where the next line begins, counted from `#base`. */
	#start = 0;
	#base;
	/** The window that lines are in, and for which generation of the mapping it holds. */
	#buffer = NOWHERE;
	#origin = 0;
	#generation = NONE;
	/** Where in it the base of a batch of newlines is, and of which. */
	#offset = 0;
	#batch = NONE;
	constructor(of, start, stop) {
		this.#of = of;
		this.#search = new Search(of, NEWLINE$1, start, stop);
		this.#base = start;
	}
	next() {
		const search = this.#search;
		const newline = search.next();
		if (newline === NONE) return this.#lastLine();
		const start = this.#start;
		if (search.batch === this.#batch) try {
			const value = new Uint8Array(this.#buffer, this.#offset + start, newline - start);
			this.#start = newline + 1;
			return {
				value,
				done: false
			};
		} catch {}
		const from = this.#base + start;
		this.#base = search.base;
		this.#start = newline + 1;
		return {
			value: this.#bytes(from, search.base + newline),
			done: false
		};
	}
	return() {
		this.#search.end();
		this.#buffer = NOWHERE;
		this.#generation = NONE;
		this.#batch = NONE;
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
	/** A line, wherever it is, and from now on those of its batch in the same buffer. */
	#bytes(from, to) {
		this.#batch = NONE;
		let bytes = this.#inWindow(from, to);
		if (bytes === void 0) {
			const window = this.#of.window(from, to);
			if (window === void 0) return this.#of.copy(from, to);
			this.#buffer = window.buffer;
			this.#origin = window.origin;
			this.#generation = this.#of.state.generation;
			bytes = new Uint8Array(window.buffer, window.origin + from, to - from);
		}
		this.#offset = this.#origin + this.#base;
		this.#batch = this.#search.batch;
		return bytes;
	}
	/** A line of the window that there is already, for another one of a long mapping is a buffer of its own, and makes the engine collect garbage. */
	#inWindow(from, to) {
		if (this.#generation !== this.#of.state.generation) return void 0;
		try {
			return new Uint8Array(this.#buffer, this.#origin + from, to - from);
		} catch {
			return;
		}
	}
};
const iteratorPrototype = Object.getPrototypeOf(Object.getPrototypeOf([][Symbol.iterator]()));
for (const { prototype } of [Matches, Lines]) Object.setPrototypeOf(prototype, iteratorPrototype);
//#endregion
//#region src/needles.ts
/** The last short string that was sought, as bytes: programs look for the same one again and again, and to convert it costs more than to find it. */
let lastSought;
const LONGEST_KEPT = 64;
/** The bytes of a needle that is not a number. They are not to be written to. */
function soughtBytes(needle) {
	if (typeof needle !== "string") return bytesArgument(needle, "needle");
	if (needle === lastSought?.text) return lastSought.bytes;
	const bytes = Buffer.from(needle);
	if (needle.length <= LONGEST_KEPT) lastSought = {
		text: needle,
		bytes
	};
	return bytes;
}
function needleBytes(needle) {
	return typeof needle === "number" ? byteAsBytes(needle) : needle;
}
/** The first place of a needle in `[from, to)`, or -1. */
function indexWithin(bytes, needle, from, to) {
	const found = bytes.subarray(from, to).indexOf(needle);
	return found === -1 ? -1 : from + found;
}
function refuseEmpty(needle, name) {
	if (byteLengthOf(needle) === 0) throw wrongValue(`The "${name}" argument must not be empty: that is everywhere`);
}
/** Refuses a replacement that is not as long as what it replaces. */
function refuseUnequal(from, to) {
	refuseEmpty(from, "from");
	const [old, replacement] = [byteLengthOf(from), byteLengthOf(to)];
	if (old === replacement) return;
	throw wrongValue(`The "to" argument must be as long as "from", ${old} bytes. Received ${replacement} bytes: what follows would have to move. Write the parts between the matches (findAll) and the replacements to a new file instead`);
}
//#endregion
//#region src/signals.ts
/** What a touch of a page raises that is not there, or may not be stored to. */
const SIGNALS = ["SIGBUS", "SIGSEGV"];
let isWatched = false;
/**
* Puts our handler back when listeners of its signals come and go: with the first one the runtime installs a handler over ours, and with the last
* one it takes that away, and ours with it. Called for each mapping of a file. Only the main thread has such listeners.
*/
function watchSignals() {
	if (isWatched) return;
	isWatched = true;
	const { isMainThread } = require("node:worker_threads");
	if (!isMainThread || !binding.installFaultHandler() || !binding.isFirstToWatchSignals()) return;
	const came = process.versions.bun === void 0 ? putBack : stay;
	process.on("newListener", came);
	process.on("removeListener", putBack);
	for (const signal of SIGNALS) if (process.listenerCount(signal) !== 0) came(signal);
}
function isOurs(signal) {
	return SIGNALS.some((ours) => ours === signal);
}
function putBack(signal) {
	if (isOurs(signal)) binding.installFaultHandler();
}
/** Bun says that a listener will come, before it installs its handler, and says nothing when one goes. With a listener of our own it does neither. */
function stay(signal) {
	if (!isOurs(signal) || isStaying || process.listeners(signal).includes(doNothing)) return;
	isStaying = true;
	process.on(signal, doNothing);
	isStaying = false;
	binding.installFaultHandler();
}
let isStaying = false;
function doNothing() {}
//#endregion
//#region src/task.ts
/** Milliseconds between two reports: about 30 a second. */
const REPORT_INTERVAL = 34;
/** Of running tasks, what they work on: an engine unmaps the memory of a SharedArrayBuffer when nobody has it. */
const inUse = /* @__PURE__ */ new Set();
/** Whether a task works on the memory of a buffer that the mapping has moved into. */
function isInUse(memory) {
	for (const use of inUse) if (use.memory === memory) return true;
	return false;
}
/** Starts a task, and waits for it. */
async function run({ mapping, options, total, memory, start }) {
	const { signal, onProgress } = options;
	const task = binding.newTask(mapping);
	const working = start(task);
	const use = { memory };
	inUse.add(use);
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
	const timer = onProgress && setInterval(reportPart, REPORT_INTERVAL);
	const stopListening = signal && onAbort(signal, stop);
	try {
		const result = await working;
		report(total);
		if (thrown === void 0) return result;
	} catch (error) {
		if (thrown === void 0) throw settled(error, signal);
	} finally {
		clearInterval(timer);
		stopListening?.();
		inUse.delete(use);
	}
	throw thrown.error;
}
/** A rejection of Rust's, as users see it. */
function settled(error, signal) {
	if (isAborted(error) && signal !== void 0) return aborted(reasonOf(signal), error);
	if ((0, node_util_types.isNativeError)(error)) Error.captureStackTrace(error);
	return error;
}
/** What the one listener of a signal calls: of more than ten, Node warns. */
var Stops = class extends Set {
	handleEvent() {
		for (const stop of this) stop();
	}
};
/** Of signals that tasks listen to. */
const listening = /* @__PURE__ */ new WeakMap();
const { addEventListener, removeEventListener } = EventTarget.prototype;
/**
* Makes our listener one that is called whatever another one stops: by the standard those that capture come first. Node asks for an
* option of its own instead, which its function for that, 20.5 and newer, gives to whatever looks like a signal. It is not called for the signal,
* of which it would ask properties that may be the user's.
*/
const listenerOptions = { capture: true };
node_events.addAbortListener?.({
	aborted: false,
	addEventListener(_type, _listener, options) {
		Object.assign(listenerOptions, options, { once: false });
	}
}, () => {});
/** Calls `stop` when the signal is aborted, until what it returns is called. */
function onAbort(signal, stop) {
	const stops = listening.get(signal) ?? listen(signal);
	stops.add(stop);
	return () => {
		stops.delete(stop);
		if (stops.size !== 0) return;
		Reflect.apply(removeEventListener, signal, [
			"abort",
			stops,
			listenerOptions
		]);
		listening.delete(signal);
	};
}
function listen(signal) {
	const stops = new Stops();
	listening.set(signal, stops);
	Reflect.apply(addEventListener, signal, [
		"abort",
		stops,
		listenerOptions
	]);
	return stops;
}
//#endregion
//#region src/mmap.ts
const ACCESS_NAMES = [
	"ACCESS_DEFAULT",
	"ACCESS_READ",
	"ACCESS_WRITE",
	"ACCESS_COPY"
];
const BYTES_BEFORE_VIEW = 16;
const LENGTH_PER_BYTE_BEFORE_VIEW = 64 * 1024;
const SHORT_SEARCH = 512;
const SHORT_COPY = 2048;
const BUFFER_LIMIT = 2 ** 32 - 1;
const BUFFER_ALIGNMENT = 8;
const LEAST_TO_LEAVE_OUT = 16;
const NEWLINE = 10;
/**
* A file as memory, or memory shared between processes: CPython's `mmap.mmap`.
*
* It is a file (`read`, `write`, `seek`, `readLine`, ... at a cursor), a bytearray (`at`, `slice`, `setSlice`, `find`, ...) and
* memory (`bytes`, `buffer`, `view()`, which copy nothing). Positions and lengths are in bytes. Arguments are checked, and then the
* state, before anything is touched; every error has a `code` ({@link ErrorCode}, or the operating system's).
*
* Every method but `close`, `unmap` and `seekable` throws `ERR_MMAP_CLOSED` once it is closed. Every one that reads, searches, writes or
* flushes bytes throws `ERR_MMAP_FAULT`, with `offset` and `length` of what was lost, once the file has been truncated under the
* mapping, or a full disk could not fill a hole in it. A number that should be whole and is not is `ERR_OUT_OF_RANGE`, and so is a copy
* that is longer than a Buffer can be or than there is memory for. A detached ArrayBuffer is `ERR_INVALID_ARG_VALUE`, and so is an
* unknown option.
*
* An Mmap is not itself a Buffer or a typed array: where one is wanted, pass {@link bytes}, which copies nothing, or {@link slice}, a
* copy. (`mm[0]` is undefined, and `Buffer.from(mm)` is zeros.)
*/
var Mmap = class {
	#mapping;
	/** The handle after `close()`, for `unmap()`, if there is anything for it to do. */
	#closedMapping;
	#length;
	#offset;
	/** How far into its page the first byte is. Anonymous memory begins on a page whatever `offset` is. */
	#lead;
	#access;
	#position = 0;
	/** Over the whole mapping, once there is one. */
	#view;
	/** Whether `#view` ever left this class. If not it goes with `close()`. */
	#handedOut = false;
	#viewsMade = 0;
	/** What iterators check before each step. */
	#state;
	#bytesTouched = 0;
	#faultsSeen = 0;
	/** What `unmap()` takes the memory from: windows, views of before a `resize()`, and after `close()` the last one. */
	#otherViews = [];
	/** How many there are to be before those that have been collected are left out. */
	#mostOtherViews = LEAST_TO_LEAVE_OUT;
	/** Views are of SharedArrayBuffers, because the user or the runtime wants that. */
	#shared;
	#writesBack;
	#maxLength;
	/**
	* The same as {@link mmap}.
	*/
	constructor(file, length, options) {
		const asked = request(file, length, options);
		const mapping = open(asked);
		try {
			this.#length = binding.length(mapping);
			if (asked.maxLength !== void 0 && asked.maxLength < this.#length) throw withPath(maxLengthTooShort(asked.maxLength, this.#length), asked.path);
			this.#access = asked.access ?? binding.access(mapping);
			if (asked.tagname !== void 0) leaveNamedRegionsAtExit();
			if (asked.file !== -1 || asked.tagname !== void 0) watchSignals();
		} catch (error) {
			binding.close(mapping);
			throw error;
		}
		this.#offset = asked.offset;
		this.#lead = asked.file === -1 && asked.tagname === void 0 ? 0 : asked.offset % PAGESIZE;
		this.#shared = asked.shared;
		this.#writesBack = asked.writeBack;
		this.#maxLength = asked.maxLength;
		this.#mapping = mapping;
	}
	/** Bytes mapped. That is not the file's size, which is {@link size}. @throws ERR_MMAP_CLOSED */
	get length() {
		this.#live();
		return this.#length;
	}
	/** Where in the file the mapping begins, in bytes. @throws ERR_MMAP_CLOSED */
	get offset() {
		this.#live();
		return this.#offset;
	}
	/**
	* `ACCESS_*`. With `flags` and `prot` it is what CPython records: `ACCESS_DEFAULT` for read and write, `ACCESS_WRITE` for write alone,
	* else `ACCESS_READ`. @throws ERR_MMAP_CLOSED
	*/
	get access() {
		this.#live();
		return this.#access;
	}
	/** Whether it is closed. Never throws. */
	get closed() {
		return this.#mapping === void 0;
	}
	/**
	* The descriptor: a duplicate of the file's that is ours, or for shared anonymous memory one that a child process can inherit
	* and map. Do not close it. -1 where there is none: `trackfd: false`, anonymous memory that is private or has a flag such as
	* MAP_STACK, Windows.
	*
	* @throws ERR_MMAP_CLOSED
	*/
	get fd() {
		return binding.descriptor(this.#live());
	}
	/**
	* The mapping itself, as a Uint8Array: nothing is copied, and what is stored is in the file (with `ACCESS_READ` and
	* `ACCESS_COPY`: in private memory). It never goes bad: it can be used after `close()`, and the memory is unmapped when the last
	* view is collected.
	*
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_VIEW_TOO_LARGE beyond MAX_VIEW_LENGTH, ERR_MMAP_NO_VIEW where the runtime allows none
	*/
	get bytes() {
		const { bytes } = this.#wholeView(this.#live());
		this.#handedOut = true;
		return bytes;
	}
	/**
	* What `bytes` is a view of. It may begin before the mapping: up to 7 bytes, when `offset` is not a multiple of 8, and a
	* SharedArrayBuffer up to a page. So count from `bytes.byteOffset`, or use {@link view}.
	*
	* @throws as {@link bytes}
	*/
	get buffer() {
		const { buffer } = this.#wholeView(this.#live());
		this.#handedOut = true;
		return buffer;
	}
	view(type, byteOffset = 0, length) {
		const size = elementSize(type);
		if (size === void 0 || !isConstructor(type)) throw wrongType("type", "a typed array class, DataView or Buffer", type);
		const from = wholeNumber(byteOffset, "byteOffset");
		const asked = optionalWholeNumber(length, "length");
		const mapping = this.#live();
		if (from < 0 || from > this.#length) throw outOfRange("view out of range", "byteOffset", `0 to ${this.#length}`, byteOffset);
		const most = Math.floor((this.#length - from) / size);
		const count = asked ?? most;
		if (count < 0 || count > most) throw outOfRange("view out of range", "length", `0 to ${most}`, length);
		if ((this.#lead + from) % size !== 0) throw outOfRange("view out of range", "byteOffset", `such that offset + byteOffset is a multiple of ${size} (a DataView reads anywhere)`, byteOffset);
		const [buffer, start] = this.#bufferFor(mapping, from, count * size);
		if (type === Buffer) return Reflect.construct(Uint8Array, [
			buffer,
			start,
			count
		], Buffer);
		return new type(buffer, start, count);
	}
	/**
	* Reads at the cursor, at most `n` bytes, and moves it on. At the end the Buffer is empty.
	*
	* @param n bytes; to the end when it is missing, null or negative
	* @returns a copy
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
	*/
	read(n) {
		const wanted = n === null || n === void 0 ? -1 : wholeNumber(n, "n");
		const mapping = this.#live();
		const left = Math.max(this.#length - this.#position, 0);
		const count = wanted < 0 ? left : Math.min(wanted, left);
		const copy = this.#copy(mapping, this.#position, count);
		this.#position += count;
		return copy;
	}
	/** Reads the byte at the cursor and moves on. @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE when the cursor is at the end */
	readByte() {
		const mapping = this.#live();
		if (this.#position >= this.#length) throw this.#atEnd("read byte out of range");
		const value = this.#byteAt(mapping, this.#position);
		this.#position += 1;
		return value;
	}
	/**
	* Reads from the cursor through the next `'\n'`, or to the end, and moves on. At the end the Buffer is empty.
	*
	* @returns a copy
	* @throws ERR_MMAP_CLOSED
	*/
	readLine() {
		const mapping = this.#live();
		if (this.#position >= this.#length) return Buffer.alloc(0);
		const found = this.#find(mapping, NEWLINE, this.#position, this.#length);
		const end = found === -1 ? this.#length : found + 1;
		const line = this.#copy(mapping, this.#position, end - this.#position);
		this.#position = end;
		return line;
	}
	/**
	* Writes all of `data` at the cursor and moves it on, or nothing.
	*
	* @returns how many bytes
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when it does not fit, ERR_INVALID_ARG_TYPE
	*/
	write(data) {
		const bytes = bytesArgument(data, "data");
		const mapping = this.#writable();
		const count = byteLengthOf(bytes);
		const left = this.#length - this.#position;
		const what = "data out of range";
		if (left < 0) throw outOfRange(what, "position", `at most the length, ${this.#length}`, this.#position);
		if (count > left) throw outOfRange(what, "data", `at most ${left} bytes long, from the cursor to the end`, `${count} bytes`);
		binding.write(mapping, bytes, count, this.#position, 1);
		this.#position += count;
		return count;
	}
	/**
	* Writes a byte at the cursor and moves on.
	*
	* @param value 0 to 255
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE when the cursor is at the end or for another value,
	*   ERR_INVALID_ARG_TYPE
	*/
	writeByte(value) {
		const byte = wholeNumber(value, "value");
		if (byte > 255) throw outOfRange("unsigned byte integer is greater than maximum", "value", "0 to 255", value);
		if (byte < 0) throw outOfRange("unsigned byte integer is less than minimum", "value", "0 to 255", value);
		const mapping = this.#writable();
		if (this.#position >= this.#length) throw this.#atEnd("write byte out of range");
		this.#setByteAt(mapping, this.#position, byte);
		this.#position += 1;
	}
	/**
	* Moves the cursor to `position`, counted from the start (`whence` 0), the cursor (1) or the end (2).
	*
	* @returns the new position
	* @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE outside `[0, length]` or for another `whence`, ERR_INVALID_ARG_TYPE
	*/
	seek(position, whence = 0) {
		const distance = wholeNumber(position, "position");
		const base = int32(whence, "whence");
		this.#live();
		const from = [
			0,
			this.#position,
			this.#length
		][base];
		if (from === void 0) throw outOfRange("unknown seek type", "whence", "0, 1 or 2", whence);
		const target = from + distance;
		if (target < 0 || target > this.#length) throw outOfRange("seek out of range", "position", `${-from} to ${this.#length - from}`, position);
		this.#position = target;
		return target;
	}
	/** Always true, also when closed. */
	seekable() {
		return true;
	}
	/** The position of the cursor. It may be beyond the end after a `resize()`. @throws ERR_MMAP_CLOSED */
	tell() {
		this.#live();
		return this.#position;
	}
	/** The byte at `index`, from 0 to 255. A negative index counts from the end: -1 is the last byte. @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE */
	at(index) {
		const given = wholeNumber(index, "index");
		const mapping = this.#live();
		return this.#byteAt(mapping, this.#index(given));
	}
	/**
	* Sets the byte at `index`. A negative index counts from the end.
	*
	* @param value 0 to 255
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
	*/
	setAt(index, value) {
		const given = wholeNumber(index, "index");
		const byte = wholeNumber(value, "value");
		const mapping = this.#writable();
		const at = this.#index(given);
		if (byte < 0 || byte > 255) throw outOfRange("mmap item value must be in range(0, 256)", "value", "0 to 255", value);
		this.#setByteAt(mapping, at, byte);
	}
	/**
	* Python's `m[start:stop:step]`: the bytes from `start` up to but not including `stop`, every `step`th of them. Negative bounds count
	* from the end, and bounds outside the mapping are brought to its nearest end. A negative `step` goes backwards.
	*
	* @param start default 0; the last byte with a negative `step`
	* @param stop default the length; before the first byte with a negative `step`
	* @param step default 1
	* @returns a copy
	* @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE for a step of 0, ERR_INVALID_ARG_TYPE
	*/
	slice(start, stop, step) {
		const bounds = sliceBounds(start, stop, step);
		const mapping = this.#live();
		const slice = adjustSlice(bounds, this.#length);
		if (slice.step === 1) return this.#copy(mapping, slice.start, slice.count);
		const copy = allocate(slice.count);
		binding.readStrided(mapping, copy, slice.start, slice.step);
		return copy;
	}
	/**
	* Python's `m[start:stop:step] = data`: all of it, or nothing. Bounds and defaults are those of {@link slice}.
	*
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE unless `data` is exactly as long as the slice,
	*   ERR_INVALID_ARG_TYPE
	*/
	setSlice(data, start, stop, step) {
		const bytes = bytesArgument(data, "data");
		const bounds = sliceBounds(start, stop, step);
		const mapping = this.#writable();
		const slice = adjustSlice(bounds, this.#length);
		const count = byteLengthOf(bytes);
		if (count !== slice.count) {
			const came = `${count} bytes`;
			throw outOfRange("mmap slice assignment is wrong size", "data", `${slice.count} bytes long, as the slice is`, came);
		}
		if (count !== 0) binding.write(mapping, bytes, count, slice.start, slice.step);
	}
	/**
	* Copies `count` bytes from `src` to `dest` within the mapping; the two may overlap.
	*
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
	*/
	move(dest, src, count) {
		const target = wholeNumber(dest, "dest");
		const source = wholeNumber(src, "src");
		const bytes = wholeNumber(count, "count");
		const mapping = this.#writable();
		const what = "source, destination, or count out of range";
		const length = this.#length;
		if (bytes < 0 || bytes > length) throw outOfRange(what, "count", `0 to ${length}`, count);
		if (target < 0 || target > length - bytes) throw outOfRange(what, "dest", `0 to ${length - bytes}`, dest);
		if (source < 0 || source > length - bytes) throw outOfRange(what, "src", `0 to ${length - bytes}`, src);
		binding.copyWithin(mapping, target, source, bytes);
	}
	/**
	* Fills `[start, stop)` with a byte, or with `value` over and over. Bounds are those of {@link slice}.
	*
	* @param value 0 to 255, or bytes, at least one
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
	*/
	fill(value, start, stop) {
		const pattern = needleArgument(value, "value");
		const bounds = sliceBounds(start, stop, void 0);
		const mapping = this.#writable();
		if (byteLengthOf(pattern) === 0) throw outOfRange("fill out of range", "value", "at least one byte long", "0 bytes");
		const slice = adjustSlice(bounds, this.#length);
		binding.fill(mapping, pattern, slice.start, slice.count);
		return this;
	}
	/** The bytes, as numbers, each read when it is asked for. @throws ERR_MMAP_CLOSED, ERR_MMAP_FAULT from `next()` */
	*[Symbol.iterator]() {
		for (let index = 0;; index += 1) {
			const mapping = this.#live();
			if (index >= this.#length) return;
			yield this.#byteAt(mapping, index);
		}
	}
	/**
	* The first place of `needle` in `[start, stop)`, or -1. Bounds are those of {@link slice}; an empty needle is at `start`.
	*
	* @param start default is the cursor, as in Python; see {@link indexOf}
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
	*/
	find(needle, start, stop) {
		const sought = soughtBytes(needle);
		const [mapping, from, to] = this.#rangeFromCursor(start, stop);
		return to < from ? -1 : this.#find(mapping, sought, from, to);
	}
	/**
	* The last place of `needle` in `[start, stop)`, or -1. Bounds are those of {@link slice}; an empty needle is at `stop`.
	*
	* @param start default is the cursor, as in Python; see {@link lastIndexOf}
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE
	*/
	rfind(needle, start, stop) {
		const bytes = bytesArgument(needle, "needle");
		const [mapping, from, to] = this.#rangeFromCursor(start, stop);
		return to < from ? -1 : binding.rfind(mapping, bytes, from, to);
	}
	/**
	* The first place of `needle` from `start` on, or -1, as Buffer's: `start` is 0 by default and counts from the end when
	* negative; a number is a byte.
	*
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
	*/
	indexOf(needle, start) {
		const sought = typeof needle === "number" ? byteArgument(needle, "needle") : soughtBytes(needle);
		const from = optionalBound(start, "start") ?? 0;
		const mapping = this.#live();
		return this.#find(mapping, sought, clamp(from, this.#length), this.#length);
	}
	/**
	* The last place of `needle` at or before `start`, or -1, as Buffer's: `start` is the end by default and counts from it
	* when negative; a number is a byte.
	*
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_OUT_OF_RANGE for a number outside 0 to 255
	*/
	lastIndexOf(needle, start) {
		const bytes = needleArgument(needle, "needle");
		const from = optionalBound(start, "start") ?? this.#length;
		const mapping = this.#live();
		const count = byteLengthOf(bytes);
		if (from < -this.#length && count !== 0) return -1;
		const last = Math.min(clamp(from, this.#length) + count, this.#length);
		return binding.rfind(mapping, bytes, 0, last);
	}
	/** Whether {@link indexOf} finds it. @throws as {@link indexOf} */
	includes(needle, start) {
		return this.indexOf(needle, start) !== -1;
	}
	/**
	* The places of `needle` in `[start, stop)`, from the first to the last. Matches do not overlap: in `'aaaa'`, `'aa'` is at 0 and 2.
	* Bounds are those of {@link slice}; `start` is 0 by default, not the cursor.
	*
	* They are found a few thousand at a time, so that no number of them costs memory. What is changed in the mapping during the iteration may be
	* found or not. After a `resize()` it goes on in the new length.
	*
	* @throws ERR_MMAP_CLOSED, also at the next step when it has been closed half way; ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
	*   empty needle, ERR_MMAP_FAULT
	*/
	findAll(needle, start, stop) {
		const bytes = bytesArgument(needle, "needle");
		const from = optionalBound(start, "start") ?? 0;
		const to = optionalBound(stop, "stop") ?? Number.POSITIVE_INFINITY;
		this.#live();
		refuseEmpty(bytes, "needle");
		return new Matches(this.#iterated(), new Uint8Array(bytes), clamp(from, this.#length), to);
	}
	/**
	* How often `needle` is in `[start, stop)`; matches do not overlap. Bounds are those of {@link slice}; `start` is 0 by default, not the
	* cursor.
	*
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty needle, ERR_MMAP_FAULT
	*/
	count(needle, start, stop) {
		const bytes = bytesArgument(needle, "needle");
		const [mapping, from, to] = this.#rangeFromStart(start, stop);
		refuseEmpty(bytes, "needle");
		return binding.count(mapping, bytes, from, to);
	}
	/**
	* Writes `to` in place of each `from` in `[start, stop)`. Both must have the same length; matches do not overlap. Bounds are those of
	* {@link slice}; `start` is 0 by default, not the cursor.
	*
	* @returns how many
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY, ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an empty `from` or another length,
	*   ERR_MMAP_FAULT with `replaced`, how many were replaced before
	*/
	replaceAll(from, to, start, stop) {
		const old = bytesArgument(from, "from");
		const replacement = bytesArgument(to, "to");
		const [mapping, first, last] = this.#rangeFromStart(start, stop);
		this.#writable();
		refuseUnequal(old, replacement);
		return binding.replaceAll(mapping, old, replacement, first, last);
	}
	/**
	* The lines of a range, as Uint8Arrays over the mapping: nothing is copied, except where the runtime has no views. A line ends before its `'\n'`
	* (a `'\r'` stays) or at the end of the range; after a `'\n'` at the end there is no empty line.
	*
	* A line is a view, as {@link bytes} is: what is stored to it is stored in the mapping, and as long as one is kept, all of the mapping stays in
	* memory. Copy what is to be kept with `Buffer.from(line)`. Its text is `new TextDecoder().decode(line)`.
	*
	* Line ends are found a few thousand at a time; see {@link findAll}.
	*
	* @param options `start` and `stop`, bounds as those of {@link slice}; all of the mapping by default
	* @throws ERR_MMAP_CLOSED, also at the next step when it has been closed half way; ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE for an
	*   unknown option, ERR_MMAP_FAULT, ERR_MMAP_VIEW_TOO_LARGE for a line longer than MAX_VIEW_LENGTH
	*/
	lines(options) {
		const { start, stop } = linesOptions(options);
		this.#live();
		return new Lines(this.#iterated(), clamp(start ?? 0, this.#length), stop ?? Number.POSITIVE_INFINITY);
	}
	/**
	* {@link find}, as a task. It keeps the memory when the mapping is closed meanwhile; `unmap()` stops it.
	*
	* @param start default is the cursor, at the time of the call
	* @returns a promise, rejected with what `find` throws, with ABORT_ERR, and with ERR_MMAP_CLOSED after `unmap()`
	*/
	async findAsync(needle, start, stop, options) {
		const bytes = bytesArgument(needle, "needle");
		const checked = taskOptions(options);
		const [mapping, from, to] = this.#rangeFromCursor(start, stop);
		if (to < from) {
			checked.onProgress?.({
				done: 0,
				total: 0
			});
			return -1;
		}
		return this.#run(mapping, checked, to - from, (task) => binding.startFind(task, bytes, from, to));
	}
	/**
	* {@link count}, as a task.
	*
	* @returns a promise, rejected with what `count` throws, and as that of {@link findAsync}
	*/
	async countAsync(needle, start, stop, options) {
		const bytes = bytesArgument(needle, "needle");
		const checked = taskOptions(options);
		const [mapping, from, to] = this.#rangeFromStart(start, stop);
		refuseEmpty(bytes, "needle");
		return this.#run(mapping, checked, to - from, (task) => binding.startCount(task, bytes, from, to));
	}
	/**
	* {@link replaceAll}, as a task.
	*
	* @returns a promise, rejected with what `replaceAll` throws, and as that of {@link findAsync}. Whatever ends it once it has begun, but for what
	*   `onProgress` throws, says in `replaced` how many were replaced by then: a task that was aborted leaves the rest as it was. ERR_MMAP_READONLY
	*   also when `protect()` takes writing away meanwhile, or `resize()` copies private anonymous memory
	*/
	async replaceAllAsync(from, to, start, stop, options) {
		const old = bytesArgument(from, "from");
		const replacement = bytesArgument(to, "to");
		const checked = taskOptions(options);
		const [mapping, first, last] = this.#rangeFromStart(start, stop);
		this.#writable();
		refuseUnequal(old, replacement);
		const begin = (task) => binding.startReplaceAll(task, old, replacement, first, last);
		return this.#run(mapping, checked, last - first, begin);
	}
	/**
	* {@link flush}, as a task. The device is asked to finish after every 8 MiB, which is when progress is reported and a signal is looked at.
	*
	* @returns a promise, rejected with what `flush` throws, and as that of {@link findAsync}
	*/
	async flushAsync(offset = 0, size, options) {
		const asked = flushArguments(offset, size);
		const checked = taskOptions(options);
		const mapping = this.#live();
		const [from, count] = this.#flushRange(asked);
		await this.#run(mapping, checked, count, (task) => binding.startFlush(task, from, from + count));
	}
	/**
	* Reads a range into memory ahead of its use, as a task: {@link resident} shows it. Nothing is copied.
	*
	* Linux: MADV_POPULATE_READ (5.14 and newer). Other Unix: MADV_WILLNEED and a touch of every page. Windows: PrefetchVirtualMemory.
	*
	* @param start in bytes, default 0
	* @param length in bytes, default to the end
	* @returns a promise, rejected with ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ERR_MMAP_FAULT, ABORT_ERR
	*/
	async prefetch(start = 0, length, options) {
		const checked = taskOptions(options);
		const [mapping, from, count] = this.#pageRange("prefetch", start, length);
		await this.#run(mapping, checked, count, (task) => binding.startPrefetch(task, from, from + count));
	}
	/**
	* Bytes in the file, which may be more or less than `length` and may change. Of anonymous memory: `length`.
	*
	* @throws ERR_MMAP_CLOSED, EBADF with `trackfd: false`
	*/
	size() {
		return binding.size(this.#live());
	}
	/**
	* Writes changes to the device, and returns when they are there. With `ACCESS_READ`, and with `ACCESS_COPY` unless `writeBack` was
	* asked for, there is nothing to write.
	*
	* Linux: msync, which is a data fsync of the range. macOS: msync and F_FULLFSYNC. Other Unix: msync and fdatasync. Windows:
	* FlushViewOfFile and FlushFileBuffers. With `trackfd: false` only the first of two.
	*
	* @param offset in bytes, default 0; any, it is rounded to pages inside
	* @param size in bytes; to the end when it is missing or -1
	* @param flags `MS_SYNC` by default; with `MS_ASYNC` it returns at once and nothing is promised. Ignored on Windows, and with
	*   `writeBack`
	* @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EIO, ENOSPC, EINVAL for flags that exclude each other, ERR_MMAP_FAULT; with
	*   `writeBack` also when a part that the file has no longer was not touched, and after the rest has been written
	*/
	flush(offset = 0, size, flags) {
		const asked = flushArguments(offset, size);
		const how = flags === void 0 ? void 0 : int32(flags, "flags");
		const mapping = this.#live();
		const [from, count] = this.#flushRange(asked);
		binding.flush(mapping, from, count, how);
	}
	/**
	* Makes the mapping longer or shorter, and sets the size of the file to `offset + newSize`. **If the file was longer than that, the rest
	* of it is cut off, also when the mapping becomes longer.** What the file did not have before is zeros, with blocks allocated. The cursor
	* stays. Views taken before go on showing what they showed, and zeros where the file is cut off; new ones see the new size. The memory
	* is mapped anew: {@link madvise} and {@link lock} must be called again.
	*
	* A failure leaves mapping and file as they were. Shared anonymous memory cannot grow on Linux, and a named region nowhere beyond the
	* size that it was created with. Windows cannot shorten a file while a view of it is alive: EBUSY.
	*
	* @param newSize in bytes, at least 1
	* @throws ERR_MMAP_CLOSED, ERR_MMAP_READONLY for ACCESS_READ, ACCESS_COPY and MAP_PRIVATE with a file, ERR_INVALID_ARG_VALUE with
	*   `trackfd: false`, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ENOSPC, ENOMEM, EFBIG, EBUSY on Windows
	*/
	resize(newSize) {
		const length = wholeNumber(newSize, "newSize", "of type number or bigint");
		const mapping = this.#live();
		if (!this.#shared) this.#dropOwnView(mapping);
		const view = this.#view;
		if (view !== void 0 && this.#isUsedByOthers(view)) this.#rememberForUnmap(view);
		const inPlace = binding.resize(mapping, length);
		this.#length = length;
		if (this.#state !== void 0) this.#state.generation += 1;
		if (!inPlace) {
			this.#view = void 0;
			this.#handedOut = false;
			return;
		}
		try {
			this.#growView();
		} catch {}
	}
	/**
	* Tells the operating system how a range will be used: `MADV_*`. Advice about a range that goes beyond the end is about the part
	* that there is. It is forgotten with `resize()`, and with a `protect()` that takes `PROT_WRITE` away or gives it back.
	*
	* @param option `MADV_*`
	* @param start in bytes, default 0; otherwise on a page
	* @param length in bytes, default to the end
	* @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, EINVAL, ERR_MMAP_UNSUPPORTED on Windows
	*/
	madvise(option, start = 0, length) {
		const advice = systemConstant(option, "option");
		const from = wholeNumber(start, "start");
		const asked = optionalWholeNumber(length, "length");
		const mapping = this.#live();
		if (from < 0 || from >= this.#length) throw outOfRange("madvise start out of bounds", "start", `0 to ${this.#length - 1}`, start);
		const count = asked ?? this.#length - from;
		if (count < 0) throw outOfRange("madvise length invalid", "length", ">= 0", length);
		if (count > Number.MAX_SAFE_INTEGER - from) throw outOfRange("madvise length too large", "length", `at most ${Number.MAX_SAFE_INTEGER - from}`, length);
		this.#moveIntoBuffer(mapping);
		binding.advise(mapping, advice, from, Math.min(count, this.#length - from));
	}
	/**
	* Changes what may be done with the mapping. Without `PROT_WRITE` the methods refuse to write, and what is stored through a view
	* from then on is private memory, as with `ACCESS_READ`: no store can crash. Views can always be read. (Views and tasks from before a
	* `resize()` are of earlier memory, which stays as it is.) With `writeBack`, what was changed
	* before is written first, and such stores never are: they are gone when writing is allowed again. Where `PROT_WRITE` is taken away or given
	* back, the memory may be mapped anew: {@link madvise} and {@link lock} must be called again.
	*
	* @param prot `PROT_READ`, with `PROT_WRITE`, `PROT_EXEC` or both
	* @throws ERR_MMAP_CLOSED, ERR_INVALID_ARG_TYPE, EACCES for writing to a file that was opened for reading and, on Apple's processors, for
	*   PROT_WRITE with PROT_EXEC, EBADF with `trackfd: false`, EINVAL, ERR_MMAP_UNSUPPORTED on Windows; with
	*   `writeBack` as {@link flush}
	*/
	protect(prot) {
		const protection = systemConstant(prot, "prot");
		const mapping = this.#live();
		this.#access = binding.protect(mapping, protection);
	}
	/**
	* Keeps the pages under a range in RAM. (It locks no file.) A `resize()` ends that, and so does a `protect()` that takes `PROT_WRITE` away
	* or gives it back.
	*
	* @param start in bytes, default 0
	* @param length in bytes, default to the end
	* @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE, ENOMEM or EPERM beyond what the system allows (`ulimit -l`; on
	*   Windows the working set of the process, which is made larger if it can be), ENOSYS for private memory on Linux before 4.4,
	*   ERR_MMAP_FAULT where the file has been cut off
	*/
	lock(start = 0, length) {
		const [mapping, from, count] = this.#pageRange("lock", start, length);
		this.#moveIntoBuffer(mapping);
		binding.lock(mapping, from, count);
	}
	/** Undoes {@link lock}, however often that was called; on macOS, one call of it. Arguments and errors are the same. */
	unlock(start = 0, length) {
		const [mapping, from, count] = this.#pageRange("unlock", start, length);
		binding.unlock(mapping, from, count);
	}
	/**
	* How many pages of a range are in memory: in the page cache, on Unix; in the working set of this process, on Windows.
	*
	* @param start in bytes, default 0
	* @param length in bytes, default to the end
	* @throws ERR_MMAP_CLOSED, ERR_OUT_OF_RANGE, ERR_INVALID_ARG_TYPE
	*/
	resident(start = 0, length) {
		const [mapping, from, count] = this.#pageRange("resident", start, length);
		return binding.resident(mapping, from, count);
	}
	/**
	* Closes: the methods throw from now on, the descriptor is closed, the memory is unmapped at once if no view was ever handed
	* out and otherwise when the last one is collected. Views stay good. Closing again does nothing.
	*
	* Changes of a shared mapping are in the file without any `flush()`; that is about the device. With `writeBack` private changes
	* are written first.
	*
	* @throws with `writeBack` only: ENOSPC, EIO and what else writing says, and it is still open then, with nothing lost; ERR_MMAP_FAULT when
	*   the file has become shorter than the mapping, so that changes beyond its end may be lost: what lies before has been written, and it
	*   is closed
	*/
	close() {
		const mapping = this.#mapping;
		if (mapping === void 0) return;
		const error = this.#writesBack ? binding.finish(mapping) : null;
		if (error !== null && !isFault(error)) throw error;
		const view = this.#view;
		const isOwn = view !== void 0 && !this.#isUsedByOthers(view);
		if (view !== void 0 && !isOwn) this.#rememberForUnmap(view);
		if (!(isOwn ? binding.closeAndDrop(mapping, view.buffer, view.id) : binding.close(mapping))) this.#closedMapping = mapping;
		else if (spareCount < MOST_SPARE_HANDLES) {
			spareHandles[spareCount] = mapping;
			spareCount += 1;
		}
		this.#mapping = void 0;
		this.#view = void 0;
		this.#handedOut = false;
		unclosed -= 1;
		if (this.#state !== void 0) this.#state.generation += 1;
		if (error !== null) throw error;
	}
	/**
	* Closes, and lets go of the file now, for those who must delete, rename or truncate it on Windows: every view has length 0
	* afterwards (one of a SharedArrayBuffer keeps its length, and reads zeros). It can also be called after `close()`.
	*
	* Do not call it while something asynchronous still reads a view: Node's own zlib ends the process when the buffer under it is
	* detached. Memory that `ArrayBuffer.prototype.transfer()` has given to another ArrayBuffer stays mapped until that one is collected.
	*
	* @throws as {@link close}, but it is closed in any case, and changes that could not be written are lost; ERR_MMAP_UNSUPPORTED on Windows
	*   for a SharedArrayBuffer that was handed out
	*/
	unmap() {
		const open = this.#mapping;
		const mapping = open ?? this.#closedMapping;
		if (mapping === void 0) return;
		const error = open !== void 0 && this.#writesBack ? binding.finish(open) : null;
		if (!this.#shared) this.#dropOwnView(mapping);
		if (this.#view !== void 0) this.#rememberForUnmap(this.#view);
		const buffers = [];
		const ids = [];
		for (const { buffer, id } of this.#otherViews) {
			const alive = buffer.deref();
			if (alive === void 0) continue;
			keepAddresses(mapping, alive, id);
			buffers.push(alive);
			ids.push(id);
		}
		const refusal = binding.unmap(mapping, buffers, ids);
		if (open !== void 0) {
			this.#mapping = void 0;
			unclosed -= 1;
			if (this.#state !== void 0) this.#state.generation += 1;
		}
		this.#closedMapping = refusal === null ? void 0 : mapping;
		this.#view = void 0;
		this.#handedOut = false;
		this.#otherViews = [];
		if (isShortage(refusal)) provokeCollection();
		if (error !== null) throw error;
		if (refusal !== null) throw refusal;
	}
	/** {@link close}, for `using`. */
	[Symbol.dispose]() {
		this.close();
	}
	/** The fields of CPython's repr. Never throws. */
	[node_util.inspect.custom](_depth, options) {
		if (!(#mapping in this)) return "<memmap.Mmap>";
		const text = this.#mapping === void 0 ? "closed=true" : `closed=false, access=${ACCESS_NAMES[this.#access]}, length=${this.#length}, pos=${this.#position}, offset=${this.#offset}`;
		const stylize = options?.stylize;
		return typeof stylize === "function" ? stylize(`<memmap.Mmap ${text}>`, "special") : `<memmap.Mmap ${text}>`;
	}
	get [Symbol.toStringTag]() {
		return "Mmap";
	}
	/** The state is checked after the arguments: nothing of the caller's runs between this and the use of the handle. */
	#live() {
		if (this.#mapping === void 0) throw closed();
		return this.#mapping;
	}
	#writable() {
		const mapping = this.#live();
		if (this.#access === 1) throw readOnly();
		return mapping;
	}
	#index(index) {
		const at = index < 0 ? index + this.#length : index;
		if (at < 0 || at >= this.#length) throw outOfRange("mmap index out of range", "index", `${-this.#length} to ${this.#length - 1}`, index);
		return at;
	}
	#atEnd(what) {
		return outOfRange(what, "position", `less than the length, ${this.#length}`, this.#position);
	}
	#copy(mapping, position, count) {
		const copy = allocate(count);
		if (count === 0) return copy;
		const end = position + count;
		const own = count <= SHORT_COPY && end <= BUFFER_LIMIT ? this.#ownBytes(mapping) : void 0;
		if (own === void 0) binding.read(mapping, copy, position);
		else {
			own.copy(copy, 0, position, end);
			this.#checkIntact(mapping);
		}
		return copy;
	}
	#rangeFromCursor(start, stop) {
		const from = optionalBound(start, "start");
		const to = optionalBound(stop, "stop");
		const mapping = this.#live();
		const length = this.#length;
		return [
			mapping,
			clamp(from ?? this.#position, length),
			clamp(to ?? length, length)
		];
	}
	#find(mapping, needle, from, to) {
		const own = to - from <= SHORT_SEARCH && to <= BUFFER_LIMIT ? this.#ownBytes(mapping) : void 0;
		if (own === void 0) return binding.find(mapping, needleBytes(needle), from, to);
		const found = to === own.length ? own.indexOf(needle, from) : indexWithin(own, needle, from, to);
		this.#checkIntact(mapping);
		return found;
	}
	/** For what begins at the start and not at the cursor. */
	#rangeFromStart(start, stop) {
		const [mapping, from, to] = this.#rangeFromCursor(start === void 0 ? 0 : start, stop);
		return [
			mapping,
			from,
			Math.max(from, to)
		];
	}
	#flushRange([offset, size]) {
		const what = "flush values out of range";
		if (offset < 0 || offset > this.#length) throw outOfRange(what, "offset", `0 to ${this.#length}`, offset);
		const left = this.#length - offset;
		const count = size === -1 ? left : size;
		if (count < 0 || count > left) throw outOfRange(what, "size", `0 to ${left}, or -1`, size);
		return [offset, count];
	}
	#run(mapping, options, total, start) {
		this.#moveIntoBuffer(mapping);
		return run({
			mapping,
			options,
			total,
			memory: this.#shared ? this.#view?.buffer : void 0,
			start
		});
	}
	/**
	* Memory that will have to move into a SharedArrayBuffer cannot while a task works on it, nor, before Linux 6.17, when advice or a lock has
	* made several mappings of it: so it moves before. A runtime that lets nobody count faults allows no ArrayBuffer over external memory.
	*/
	#moveIntoBuffer(mapping) {
		if (this.#view !== void 0 || !(this.#shared || countedFaults() === void 0)) return;
		try {
			this.#wholeView(mapping);
		} catch {}
	}
	#iterated() {
		this.#state ??= {
			generation: 0,
			faults: countedFaults() ?? new Uint32Array(1)
		};
		return {
			state: this.#state,
			check: () => this.#checkIntact(this.#live()),
			handle: () => this.#live(),
			length: () => this.#length,
			window: (start, stop) => this.#window(start, stop),
			copy: (start, stop) => this.#copy(this.#live(), start, stop - start)
		};
	}
	/** All of the mapping, or as much as can be in a view. */
	#window(start, stop) {
		const most = Math.max(stop, Math.min(this.#length, start + MAX_VIEW_LENGTH - (BUFFER_ALIGNMENT - 1)));
		const [from, to] = this.#isOneView() ? [0, this.#length] : [start, most];
		try {
			const [buffer, byteOffset] = this.#bufferFor(this.#live(), from, to - from);
			return {
				buffer,
				origin: byteOffset - from
			};
		} catch (error) {
			if (isNoView(error)) return void 0;
			throw error;
		}
	}
	#pageRange(method, start, length) {
		const from = wholeNumber(start, "start");
		const asked = optionalWholeNumber(length, "length");
		const mapping = this.#live();
		const what = `${method} values out of range`;
		if (from < 0 || from > this.#length) throw outOfRange(what, "start", `0 to ${this.#length}`, start);
		const left = this.#length - from;
		const count = asked ?? left;
		if (count < 0 || count > left) throw outOfRange(what, "length", `0 to ${left}`, length);
		return [
			mapping,
			from,
			count
		];
	}
	#byteAt(mapping, index) {
		const value = this.#ownBytes(mapping)?.[index];
		if (value === void 0) return binding.readByte(mapping, index);
		this.#checkIntact(mapping);
		return value;
	}
	#setByteAt(mapping, index, value) {
		const bytes = this.#ownBytes(mapping);
		if (bytes === void 0) binding.writeByte(mapping, index, value);
		else {
			this.#checkIntact(mapping);
			bytes[index] = value;
			this.#checkIntact(mapping);
		}
	}
	/** Rust's methods do this themselves; what goes through the view asks whether there has been any fault since it last asked. */
	#checkIntact(mapping) {
		const faults = faultCounter?.[0] ?? 0;
		if (faults === this.#faultsSeen) return;
		binding.checkIntact(mapping);
		this.#faultsSeen = faults;
	}
	/** The view for single bytes, as soon as it pays. */
	#ownBytes(mapping) {
		if (this.#view !== void 0 && this.#view.own.length === this.#length && faultCounter !== void 0) return this.#view.own;
		this.#bytesTouched += 1;
		if (this.#bytesTouched < BYTES_BEFORE_VIEW + this.#length / LENGTH_PER_BYTE_BEFORE_VIEW) return void 0;
		if (!this.#isOneView()) return void 0;
		try {
			if (countedFaults() !== void 0) return this.#wholeView(mapping).own;
		} catch {}
		this.#bytesTouched = Number.NEGATIVE_INFINITY;
	}
	#wholeView(mapping) {
		const view = this.#view;
		if (view === void 0 || view.own.length === 0) {
			if (this.#length > MAX_VIEW_LENGTH && !this.#shared) throw viewTooLarge(this.#length, MAX_VIEW_LENGTH);
			const made = this.#makeView(mapping, 0, this.#length);
			this.#view = made;
			return made;
		}
		return view.own.length === this.#length ? view : this.#growView();
	}
	/** Whether all of the mapping fits into one buffer. */
	#isOneView() {
		return this.#shared || this.#length + this.#lead % BUFFER_ALIGNMENT <= MAX_VIEW_LENGTH;
	}
	/** Where bytes to hand out are: in the one view, or, where that would be too long, in a window. */
	#bufferFor(mapping, offset, length) {
		if (this.#isOneView()) {
			const { buffer, own } = this.#wholeView(mapping);
			this.#handedOut = true;
			return [buffer, own.byteOffset + offset];
		}
		if (length > MAX_VIEW_LENGTH) throw viewTooLarge(length, MAX_VIEW_LENGTH);
		const window = this.#makeView(mapping, offset, length);
		this.#rememberForUnmap(window);
		return [window.buffer, window.own.byteOffset];
	}
	#makeView(mapping, offset, length) {
		const id = this.#viewsMade;
		this.#viewsMade += 1;
		if (!this.#shared) {
			const needed = length + (this.#lead + offset) % BUFFER_ALIGNMENT;
			if (needed > MAX_VIEW_LENGTH) throw viewTooLarge(needed, MAX_VIEW_LENGTH);
			try {
				const buffer = binding.buffer(mapping, id, false, offset, length);
				return viewOf(id, buffer, buffer.byteLength - length, length);
			} catch (error) {
				if (!isNoView(error) || length !== this.#length) throw error;
				this.#shared = true;
			}
		}
		return sharedView(mapping, id, this.#lead, this.#length, this.#maxLength);
	}
	/** Detaches a view that nobody but this class has seen, so that its memory need not wait for the garbage collector. */
	#dropOwnView(mapping) {
		if (this.#view === void 0 || this.#handedOut) return;
		binding.dropBuffer(mapping, this.#view.buffer, this.#view.id);
		this.#view = void 0;
	}
	/** Whether anybody but this class has the buffer of the view, or works on its memory: a SharedArrayBuffer is made zeros, which a task would see. */
	#isUsedByOthers(view) {
		return this.#handedOut || this.#shared && isInUse(view.buffer);
	}
	/** The mapping has grown in its SharedArrayBuffer: the buffer has to follow. */
	#growView() {
		const { id, buffer, own, isRemembered } = this.#view;
		const start = own.byteOffset;
		growBuffer(buffer, start + this.#length);
		const grown = viewOf(id, buffer, start, this.#length);
		grown.isRemembered = isRemembered;
		this.#view = grown;
		return grown;
	}
	#rememberForUnmap(view) {
		if (view.isRemembered) return;
		if (this.#otherViews.length >= this.#mostOtherViews) {
			this.#otherViews = this.#otherViews.filter((other) => other.buffer.deref() !== void 0);
			this.#mostOtherViews = Math.max(2 * this.#otherViews.length, LEAST_TO_LEAVE_OUT);
		}
		const { id, buffer } = view;
		const isMoved = this.#shared && MOVES_INTO_BUFFERS;
		this.#otherViews.push({
			id,
			buffer: isMoved ? { deref: () => buffer } : new WeakRef(buffer)
		});
		view.isRemembered = true;
	}
};
/**
* Maps a file into memory, or memory without a file, as CPython's `mmap.mmap` does. A file is mapped for reading and writing unless
* {@link MmapOptions.access} says otherwise: one that may only be read needs `{ access: ACCESS_READ }`.
*
* @param file a path, a `file:` URL, a descriptor or a FileHandle, which may be closed afterwards; -1 for anonymous memory
* @param length in bytes; 0, the default, is all the rest of the file from `offset` on, or all of a named region that exists. New anonymous
*   memory needs at least 1 (EINVAL)
* @param options see {@link MmapOptions}
* @throws ERR_INVALID_ARG_TYPE, ERR_INVALID_ARG_VALUE, ERR_OUT_OF_RANGE (an empty file with length 0, a part that the file does not
*   have), ERR_MMAP_UNSUPPORTED, what Node says of a URL that is no path (ERR_INVALID_URL_SCHEME, ERR_INVALID_FILE_URL_HOST,
*   ERR_INVALID_FILE_URL_PATH), and what the operating system says: ENOENT, EACCES, EBADF, EISDIR, ENODEV, ENOMEM, ENOSPC, ...
*/
function mmap(file, length, options) {
	return new Mmap(file, length, options);
}
/** Handles to use again, because the engine takes long to make and to collect one. The first `spareCount` places have them. */
const spareHandles = [];
let spareCount = 0;
const MOST_SPARE_HANDLES = 64;
function open(asked) {
	const { file, tagname, length, offset, access, flags, prot, trackfd, create, writeBack } = asked;
	let spare;
	if (spareCount !== 0) {
		spareCount -= 1;
		spare = spareHandles[spareCount];
		spareHandles[spareCount] = void 0;
	}
	let mapping;
	try {
		mapping = binding.open(file, tagname, length, offset, access, flags, prot, trackfd, create, writeBack, spare) ?? spare;
	} catch (error) {
		if (spare !== void 0) {
			spareHandles[spareCount] = spare;
			spareCount += 1;
		}
		if (isShortage(error)) provokeCollection();
		if (file === -1 && length === 0) throw aboutNoLength(error);
		throw withPath(error, asked.path);
	}
	unclosed += 1;
	if (unclosed >= nextLook) lookAtDescriptors();
	return mapping;
}
/** Mappings that are open, and those that were collected since {@link lookAtDescriptors} has counted. */
let unclosed = 0;
/** How many there are to be when it is to count again. */
let nextLook = 0;
/** That share of what a process may have is many, and a share of what is left is to be opened until the next look. */
const SHARE = 1 / 4;
const LEAST_UNTIL_NEXT_LOOK = 16;
/**
* Sees to it that mappings which were never closed are collected before the process has no descriptors any more: to the engine they are small
* objects, and it is in no hurry.
*/
function lookAtDescriptors() {
	const allowed = binding.descriptorsAllowed();
	unclosed = binding.openMappings();
	nextLook = unclosed + Math.max((allowed - unclosed) * SHARE, LEAST_UNTIL_NEXT_LOOK);
	if (unclosed >= allowed * SHARE) provokeCollection();
}
let isCollectionDue = false;
/**
* What is short may be mappings, whose views are small objects to the engine: it sees no reason to collect them. An ArrayBuffer
* of 256 MiB is one. (In a later turn, for until then the engine keeps what WeakRefs were made for.)
*/
function provokeCollection() {
	if (isCollectionDue) return;
	setImmediate(collect);
	isCollectionDue = true;
}
function collect() {
	isCollectionDue = false;
}
function allocate(count) {
	if (count > node_buffer.constants.MAX_LENGTH) throw copyTooLong(count, node_buffer.constants.MAX_LENGTH);
	try {
		return Buffer.allocUnsafe(count);
	} catch {
		throw copyTooLong(count);
	}
}
/** How many faults have been answered in this process, once somebody wants to know. */
let faultCounter;
let faultsAskedFor = false;
/** The counter, or undefined on a runtime that takes no memory of others into an ArrayBuffer. */
function countedFaults() {
	if (faultsAskedFor) return faultCounter;
	faultsAskedFor = true;
	try {
		faultCounter = new Uint32Array(binding.faultCounter());
	} catch {}
	return faultCounter;
}
function flushArguments(offset, size) {
	return [wholeNumber(offset, "offset"), optionalWholeNumber(size, "size") ?? -1];
}
let leavesAtExit = false;
/** Bun's exit does not run the C library's, at which Rust gives the names up. */
function leaveNamedRegionsAtExit() {
	if (leavesAtExit || process.versions.bun === void 0) return;
	leavesAtExit = true;
	const { isMainThread } = require("node:worker_threads");
	if (!isMainThread) return;
	process.once("exit", binding.leaveNamedRegions);
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
exports.PAGESIZE = PAGESIZE;
exports.PROT_EXEC = PROT_EXEC;
exports.PROT_READ = PROT_READ;
exports.PROT_WRITE = PROT_WRITE;
exports.mmap = mmap;
