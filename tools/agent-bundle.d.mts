/** What starts `muster` here: the bundle built from these sources, or the sources. Absolute path. */
export declare const muster: (root?: string) => string
export declare const isBuilt: (entry: string) => boolean
/** Builds the bundle unless it is there; resolves to its entry. Rejects if it cannot be built. */
export declare const buildMuster: (root?: string) => Promise<string>
/** Builds the bundle of the desktop app, three folders below `root`; resolves to its entry. */
export declare const buildPackaged: (root?: string, folder?: string) => Promise<string>
