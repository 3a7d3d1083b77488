import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
} from '@tanstack/react-router'
import { isJobTab } from './features/jobs/job-tabs.ts'
import type { JobTab } from './features/jobs/job-tabs.ts'
import { JobPage } from './features/jobs/job-page.tsx'
import { JobsPage } from './features/jobs/jobs-page.tsx'
import { MachinesPage } from './features/machines/machines-page.tsx'
import { ModelsPage } from './features/models/models-page.tsx'
import { OverviewPage } from './features/overview/overview-page.tsx'
import { NoPage, Shell } from './features/shell/shell.tsx'

const root = createRootRoute({ component: Shell, notFoundComponent: NoPage })

const routes = [
  createRoute({ getParentRoute: () => root, path: '/', component: OverviewPage }),
  createRoute({ getParentRoute: () => root, path: '/jobs', component: JobsPage }),
  createRoute({
    getParentRoute: () => root,
    path: '/jobs/$job',
    component: JobPage,
    validateSearch: ({ tab }): { tab?: JobTab } => (isJobTab(tab) ? { tab } : {}),
  }),
  createRoute({ getParentRoute: () => root, path: '/machines', component: MachinesPage }),
  createRoute({ getParentRoute: () => root, path: '/models', component: ModelsPage }),
] as const

/** Pages stand in the hash, so the agent serves one file whatever the page. */
export const createPageRouter = () =>
  createRouter({
    routeTree: root.addChildren(routes),
    history: createHashHistory(),
    defaultPreload: false,
  })

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createPageRouter>
  }
}
