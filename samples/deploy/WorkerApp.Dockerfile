# From the repository's root: docker buildx build --platform linux/amd64,linux/arm64 -f samples/deploy/WorkerApp.Dockerfile .
# The SDK runs on the builder's machine and compiles for the target's.
FROM --platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build
ARG TARGETARCH
WORKDIR /src
COPY . .
# The native helper is plain C without a library: the compiler of each target is all it takes.
RUN apt-get update && apt-get install -y --no-install-recommends gcc gcc-aarch64-linux-gnu gcc-x86-64-linux-gnu libc6-dev && rm -rf /var/lib/apt/lists/*
RUN dotnet publish samples/WorkerApp -c Release -a $TARGETARCH --self-contained false -o /app

# Chiseled: no shell, no package manager, and a user that is not root.
FROM mcr.microsoft.com/dotnet/runtime:10.0-noble-chiseled
WORKDIR /app
COPY --from=build /app .
# The sample's own jobs need df(1) and sh(1), which are not here: these run what is.
COPY samples/deploy/WorkerApp.appsettings.json appsettings.json
USER $APP_UID
ENV UnixEventLoop__HealthSocket=/tmp/health.sock
# No init is needed: Main begins with UnixInit.RunAsPid1.
ENTRYPOINT ["/app/WorkerApp"]
HEALTHCHECK --interval=10s --timeout=5s CMD ["/app/WorkerApp", "probe", "/tmp/health.sock", "live"]
STOPSIGNAL SIGTERM
