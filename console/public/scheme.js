// Sets the colour scheme and the language before the first paint, so that nothing flashes.
(function () {
  var scheme = 'auto';
  try {
    scheme = localStorage.getItem('antiphon.scheme') || 'auto';
    document.documentElement.lang = localStorage.getItem('antiphon.language') || 'en';
  } catch {
    // Storage is switched off: the defaults serve.
  }
  var dark = scheme === 'dark' || (scheme === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches);
  document.documentElement.setAttribute('data-mantine-color-scheme', dark ? 'dark' : 'light');
})();
