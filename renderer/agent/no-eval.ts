import { config } from 'zod'

// Zod compiles its checks with `new Function`, which our Content-Security-Policy forbids; even its
// probe would be reported as a violation. This file must be imported before any schema is made.
config({ jitless: true })
