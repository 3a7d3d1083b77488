import {
  createHashHistory,
  createRootRoute,
  createRoute,
  createRouter,
} from '@tanstack/react-router'
import { isJobTab } from './features/jobs/job-tabs.ts'
import type { JobTab } from './features/jobs/job-tabs.ts'
import { DataPage } from './features/data/data-page.tsx'
import { ExperimentPage } from './features/experiments/experiment-page.tsx'
import { ExperimentsPage } from './features/experiments/experiments-page.tsx'
import { JobPage } from './features/jobs/job-page.tsx'
import { JobsPage } from './features/jobs/jobs-page.tsx'
import { MachinesPage } from './features/machines/machines-page.tsx'
import { ModelsPage } from './features/models/models-page.tsx'
import { NewJobPage } from './features/new-job/new-job-page.tsx'
import { OverviewPage } from './features/overview/overview-page.tsx'
import { RunPage } from './features/runs/run-page.tsx'
import { RunsPage } from './features/runs/runs-page.tsx'
import { SchedulesPage } from './features/schedules/schedules-page.tsx'
import { SettingsPage } from './features/settings/settings-page.tsx'
import { isSettingsTab } from './features/settings/settings-tabs.ts'
import type { SettingsTab } from './features/settings/settings-tabs.ts'
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
  createRoute({ getParentRoute: () => root, path: '/new-job', component: NewJobPage }),
  createRoute({ getParentRoute: () => root, path: '/runs', component: RunsPage }),
  createRoute({ getParentRoute: () => root, path: '/runs/$run', component: RunPage }),
  createRoute({ getParentRoute: () => root, path: '/experiments', component: ExperimentsPage }),
  createRoute({
    getParentRoute: () => root,
    path: '/experiments/$experiment',
    component: ExperimentPage,
  }),
  createRoute({ getParentRoute: () => root, path: '/schedules', component: SchedulesPage }),
  createRoute({ getParentRoute: () => root, path: '/machines', component: MachinesPage }),
  createRoute({ getParentRoute: () => root, path: '/models', component: ModelsPage }),
  createRoute({ getParentRoute: () => root, path: '/data', component: DataPage }),
  createRoute({
    getParentRoute: () => root,
    path: '/settings',
    component: SettingsPage,
    validateSearch: ({ tab }): { tab?: SettingsTab } => (isSettingsTab(tab) ? { tab } : {}),
  }),
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
