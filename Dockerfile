# Native modules are compiled here, with the headers that come with the image: nothing is downloaded but packages.
FROM node:24-bookworm AS build
ENV npm_config_build_from_source=true npm_config_nodedir=/usr/local npm_config_fund=false npm_config_audit=false
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci
COPY tsconfig.json tsconfig.build.json ./
COPY src ./src
RUN npm run build && npm prune --omit=dev

# The same Debian, so that what was compiled fits.
FROM node:24-bookworm-slim
ENV NODE_ENV=production SHOPPER_DATA_DIR=/data HEALTH_PORT=9464
WORKDIR /app
COPY --from=build /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json agent.yml manifest.yml .env.example LICENSE ./
COPY examples/personas ./examples/personas
# Where sentences of the doctor and of commands point to.
COPY docs/*.md ./docs/
RUN install -d -o node -g node -m 700 /data
USER node
VOLUME /data
# Slack over HTTP and its installation pages; health and metrics.
EXPOSE 3000 9464
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:' + process.env.HEALTH_PORT + '/healthz').then(it => process.exit(it.ok ? 0 : 1), () => process.exit(1))"]
# The program handles SIGTERM itself and starts no other processes, so it can be the first one.
ENTRYPOINT ["node", "dist/cli.js"]
CMD ["start"]
