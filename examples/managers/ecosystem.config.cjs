/** PM2: `pm2 start ecosystem.config.cjs`, then `pm2 reload drain` for a deploy. */
module.exports = {
  apps: [
    {
      name: "drain",
      script: "../drain.mjs",
      cwd: __dirname,
      exec_mode: "cluster",
      instances: 2,
      // A reload continues when the new process has sent `ready`, which installShutdown does.
      wait_ready: true,
      listen_timeout: 10_000,
      // By default PM2 kills after 1.6 s. lameDuckMs + drainTimeoutMs + a quarter of a second.
      kill_timeout: 12_000,
      env: { PORT: "8080" },
    },
  ],
};
