import { createRootRoute, createRoute, createRouter, lazyRouteComponent, Outlet } from '@tanstack/react-router';
import { Broken } from './shell/Broken';
import { readSearch, writeSearch } from './shell/address';
import { Frame } from './shell/Frame';
import Missing from './shell/Missing';

const root = createRootRoute({ component: Outlet, notFoundComponent: Missing, errorComponent: Broken });

const signIn = createRoute({
  getParentRoute: () => root,
  path: '/sign-in',
  component: lazyRouteComponent(() => import('./rooms/access/SignIn')),
});

const welcome = createRoute({
  getParentRoute: () => root,
  path: '/welcome',
  component: lazyRouteComponent(() => import('./rooms/access/Welcome')),
});

const frame = createRoute({ getParentRoute: () => root, id: 'frame', component: Frame });

type Pages = Parameters<typeof lazyRouteComponent>[0];

/** Each page is a file of its room, fetched when it is first opened. */
const PAGES: Record<string, Pages> = {
  '/': () => import('./rooms/overview/OverviewPage'),
  '/customers': () => import('./rooms/profiles/CustomersPage'),
  '/customers/merges': () => import('./rooms/profiles/MergesPage'),
  '/customers/$id': () => import('./rooms/profiles/CustomerPage'),
  '/segments': () => import('./rooms/segments/SegmentsPage'),
  '/segments/new': () => import('./rooms/segments/SegmentPage'),
  '/segments/sets': () => import('./rooms/segments/SetsPage'),
  '/segments/$id': () => import('./rooms/segments/SegmentPage'),
  '/traits': () => import('./rooms/traits/TraitsPage'),
  '/events': () => import('./rooms/events/EventsPage'),
  '/imports': () => import('./rooms/imports/ImportsPage'),
  '/imports/new': () => import('./rooms/imports/NewImportPage'),
  '/imports/$id': () => import('./rooms/imports/ImportPage'),
  '/campaigns': () => import('./rooms/campaigns/CampaignsPage'),
  '/campaigns/new': () => import('./rooms/campaigns/NewCampaignPage'),
  '/campaigns/$id': () => import('./rooms/campaigns/CampaignPage'),
  '/journeys': () => import('./rooms/journeys/JourneysPage'),
  '/journeys/$id': () => import('./rooms/journeys/JourneyPage'),
  '/templates': () => import('./rooms/content/TemplatesPage'),
  '/templates/new': () => import('./rooms/content/TemplatePage'),
  '/templates/$id': () => import('./rooms/content/TemplatePage'),
  '/experiments': () => import('./rooms/experiments/ExperimentsPage'),
  '/experiments/new': () => import('./rooms/experiments/NewExperimentPage'),
  '/experiments/plan': () => import('./rooms/experiments/PlannerPage'),
  '/experiments/layers': () => import('./rooms/experiments/LayersPage'),
  '/experiments/$id': () => import('./rooms/experiments/ExperimentPage'),
  '/deliveries': () => import('./rooms/delivery/DeliveriesPage'),
  '/deliveries/verifications': () => import('./rooms/delivery/VerificationsPage'),
  '/channels': () => import('./rooms/channels/ChannelsPage'),
  '/channels/$id': () => import('./rooms/channels/AccountPage'),
  '/rules': () => import('./rooms/rules/RulesPage'),
  '/budgets': () => import('./rooms/budgets/BudgetsPage'),
  '/settings/channels': () => import('./rooms/channels/Moved'),
  '/settings': () => import('./rooms/settings/SettingsPage'),
  '/settings/$tab': () => import('./rooms/settings/SettingsPage'),
  '/audit': () => import('./rooms/access/AuditPage'),
  '/$': () => import('./shell/Missing'),
};

const pages = Object.entries(PAGES).map(([path, page]) =>
  createRoute({ getParentRoute: () => frame, path, component: lazyRouteComponent(page) }),
);

export const router = createRouter({
  routeTree: root.addChildren([signIn, welcome, frame.addChildren(pages)]),
  defaultPreload: 'intent',
  scrollRestoration: true,
  parseSearch: readSearch,
  stringifySearch: writeSearch,
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: Missing,
});
