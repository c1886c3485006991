# peal for every command: docker build -t peal . && docker run --rm peal send --help
# docs/docker.md says how to run it. The image holds what npm would install, without development packages, maps and
# declarations, and the packages of a cluster (bullmq, ioredis, pg) in the versions of package-lock.json.
#
# Debian and not Alpine: Node.js publishes builds for glibc itself and those for musl only as unofficial ones, and lmdb is tested
# with glibc. "slim" has no compiler, and nothing here needs one: no package runs an install script.
ARG NODE=node:22.23.3-bookworm-slim

FROM ${NODE} AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.package.json ./
COPY src src
COPY workers workers
COPY scripts scripts
RUN npm run build:package
# The packages of a cluster are optional for a program that installs peal. Here nobody can add them later.
RUN npm pkg set $(node -p "const { devDependencies: d } = require('./package.json'); \
      ['bullmq', 'ioredis', 'pg'].map((name) => 'dependencies.' + name + '=' + d[name]).join(' ')") \
 && npm pkg delete devDependencies \
 && npm prune --ignore-scripts --no-audit --no-fund \
 && find node_modules \( -name '*.map' -o -name '*.d.ts' -o -name '*.d.mts' -o -name '*.d.cts' \) -delete \
 && find dist/src dist/workers dist/cjs -name '*.d.ts' -delete

FROM ${NODE}
ENV NODE_ENV=production
COPY package.json LICENSE THIRD-PARTY-LICENSES.md /opt/peal/
COPY --from=build /build/node_modules /opt/peal/node_modules
COPY --from=build /build/dist/src /opt/peal/dist/src
COPY --from=build /build/dist/workers /opt/peal/dist/workers
COPY --from=build /build/dist/cjs /opt/peal/dist/cjs
# The one directory that the user may write to: campaigns, journals and outcomes. A volume belongs there.
RUN chmod 0755 /opt/peal/dist/src/cli/main.js \
 && ln -s /opt/peal/dist/src/cli/main.js /usr/local/bin/peal \
 && install -d -o 65532 -g 65532 -m 0700 /var/lib/peal
WORKDIR /var/lib/peal
# A number, so that Kubernetes can see that it is not root. It owns nothing else.
USER 65532:65532
ENTRYPOINT ["peal"]
CMD ["--help"]
