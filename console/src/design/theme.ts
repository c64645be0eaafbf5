import { createTheme, type CSSVariablesResolver, type MantineColorsTuple } from '@mantine/core';

/** The house colour: a quiet iris, dark enough to carry white text (WCAG AA) from shade 6 down. */
const iris: MantineColorsTuple = [
  '#f1f3fd', '#e0e4fa', '#c1c9f3', '#9ea9eb', '#808de4', '#6b79de', '#5461d3', '#4652bd', '#3b46a6', '#2f3990',
];
const slate: MantineColorsTuple = [
  '#f8f9fb', '#f1f3f6', '#e6e9ee', '#d8dce4', '#c2c8d3', '#9aa2b1', '#737c8d', '#535c6c', '#363d4a', '#1d222b',
];
const night: MantineColorsTuple = [
  '#d3d6de', '#b6bac6', '#9499a8', '#6d7282', '#3d4250', '#2e323e', '#252933', '#1b1e26', '#15171d', '#0f1115',
];

export const theme = createTheme({
  colors: { iris, gray: slate, dark: night },
  primaryColor: 'iris',
  primaryShade: { light: 7, dark: 6 },
  fontFamily:
    "'Inter Variable', system-ui, -apple-system, 'Segoe UI', 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', 'WenQuanYi Micro Hei', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', 'Cascadia Code', 'DejaVu Sans Mono', Menlo, monospace",
  fontSizes: { xs: '0.75rem', sm: '0.8125rem', md: '0.875rem', lg: '1rem', xl: '1.125rem' },
  headings: {
    fontWeight: '620',
    sizes: {
      h1: { fontSize: '1.375rem', lineHeight: '1.3' },
      h2: { fontSize: '1.0625rem', lineHeight: '1.4' },
      h3: { fontSize: '0.9375rem', lineHeight: '1.4' },
    },
  },
  defaultRadius: 'md',
  radius: { xs: '4px', sm: '6px', md: '8px', lg: '12px', xl: '16px' },
  cursorType: 'pointer',
  focusRing: 'auto',
  respectReducedMotion: true,
  components: {
    Button: { defaultProps: { size: 'sm' } },
    TextInput: { defaultProps: { size: 'sm' } },
    Select: { defaultProps: { size: 'sm', checkIconPosition: 'right', comboboxProps: { shadow: 'md' } } },
    Table: { defaultProps: { verticalSpacing: 9, horizontalSpacing: 'md' } },
    Badge: { defaultProps: { variant: 'light', radius: 'sm', tt: 'none', fw: 550 } },
    Tooltip: { defaultProps: { withArrow: true, openDelay: 250, multiline: true, maw: 320 } },
    Modal: { defaultProps: { radius: 'lg', centered: true, overlayProps: { blur: 2, backgroundOpacity: 0.35 } } },
    Drawer: { defaultProps: { position: 'right', overlayProps: { blur: 1, backgroundOpacity: 0.25 } } },
    Menu: { defaultProps: { shadow: 'md', radius: 'md' } },
    Skeleton: { defaultProps: { radius: 'sm' } },
    Anchor: { defaultProps: { underline: 'hover' } },
  },
});

/** Surfaces and text that keep AA contrast in both schemes; Mantine's own dimmed grey does not on a tinted page. */
export const variables: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    '--mantine-color-body': '#ffffff',
    '--mantine-color-text': '#272c37',
    '--mantine-color-dimmed': '#5b6473',
    '--mantine-color-placeholder': '#6b7382',
    '--mantine-color-error': '#b42318',
    '--mantine-color-anchor': '#3b46a6',
    '--surface-page': '#f6f7f9',
    '--surface-card': '#ffffff',
    '--surface-sunken': '#f1f3f6',
    '--line': '#e4e7ec',
    '--text-strong': '#1d222b',
    '--shadow-card': '0 1px 2px rgba(20, 26, 40, 0.04)',
  },
  dark: {
    '--mantine-color-body': '#181b22',
    '--mantine-color-text': '#d9dce4',
    '--mantine-color-dimmed': '#9ea4b3',
    '--mantine-color-placeholder': '#8a90a0',
    '--mantine-color-error': '#ff9b8f',
    '--mantine-color-anchor': '#a9b3f2',
    '--surface-page': '#111318',
    '--surface-card': '#181b22',
    '--surface-sunken': '#1f232c',
    '--line': '#2a2e39',
    '--text-strong': '#f1f3f7',
    '--shadow-card': 'none',
  },
});
