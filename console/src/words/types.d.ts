import 'i18next';

// Keys are checked by `words.test.ts` against the catalogues, which is quicker than having the compiler do it.
declare module 'i18next' {
  interface CustomTypeOptions {
    returnNull: false;
  }
}
