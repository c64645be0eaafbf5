import { heldCsrf, type Schema } from './client';
import { problemFrom } from './problem';

/** Brings a file as the body itself, telling how much has gone; `fetch` cannot tell, so this is an XMLHttpRequest. */
export function uploadFile(file: File, onProgress: (share: number) => void, signal?: AbortSignal): Promise<Schema<'UploadedFile'>> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', `/v1/imports/files?name=${encodeURIComponent(file.name)}`);
    const csrf = heldCsrf();
    if (csrf) request.setRequestHeader('x-csrf-token', csrf);
    request.setRequestHeader('content-type', 'application/octet-stream');
    request.responseType = 'json';
    request.upload.onprogress = (event) => onProgress(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => {
      if (request.status < 300) resolve(request.response as Schema<'UploadedFile'>);
      else reject(problemFrom(request.status, request.response));
    };
    request.onerror = () => reject(new TypeError('network'));
    request.onabort = () => reject(new DOMException('aborted', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}
